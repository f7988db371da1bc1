package main

import (
	"bytes"
	"testing"
)

func TestAMessageThatComesInPartsIsJoined(t *testing.T) {
	stream := []byte("\x00\x00\x00\x00\x03one\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05three")
	for size := 1; size <= len(stream); size++ {
		c, got := &client{}, []byte(nil)
		for rest := stream; len(rest) > 0; {
			n := min(size, len(rest))
			whole := c.joined(rest[:n])
			if wholeMessages(whole) != len(whole) {
				t.Fatalf("%q is cut", whole)
			}
			got, rest = append(got, whole...), rest[n:]
		}
		if !bytes.Equal(got, stream) || len(c.part) > 0 {
			t.Fatalf("%q of parts of %d", got, size)
		}
	}
}
