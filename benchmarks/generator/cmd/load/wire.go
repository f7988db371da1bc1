package main

import (
	"encoding/binary"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

func field(to []byte, number protowire.Number, body []byte) []byte {
	to = protowire.AppendTag(to, number, protowire.BytesType)
	return protowire.AppendBytes(to, body)
}

func number(to []byte, number protowire.Number, value uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(to, number, protowire.VarintType), value)
}

// only gives the single field of a oneof message: its number and, of a message, its bytes.
func only(message []byte) (protowire.Number, []byte) {
	number, kind, n := protowire.ConsumeTag(message)
	if n < 0 {
		return 0, nil
	}
	if kind != protowire.BytesType {
		return number, nil
	}
	body, m := protowire.ConsumeBytes(message[n:])
	if m < 0 {
		return 0, nil
	}
	return number, body
}

// each calls take for every length-delimited field.
func each(message []byte, take func(protowire.Number, []byte) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
				return protowire.ParseError(n)
			}
			message = message[n:]
			continue
		}
		body, n := protowire.ConsumeBytes(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		if err := take(number, body); err != nil {
			return err
		}
		message = message[n:]
	}
	return nil
}

func varint(message []byte, want protowire.Number) uint64 {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 || number > want {
			return 0
		}
		message = message[n:]
		if number == want && kind == protowire.VarintType {
			value, _ := protowire.ConsumeVarint(message)
			return value
		}
		if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
			return 0
		}
		message = message[n:]
	}
	return 0
}

func bytesOf(message []byte, want protowire.Number) []byte {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return nil
		}
		message = message[n:]
		if number == want && kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(message)
			return value
		}
		if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
			return nil
		}
		message = message[n:]
	}
	return nil
}

// wholeMessages is how many bytes of it are gRPC-Web frames with their ends.
func wholeMessages(payload []byte) int {
	size := 0
	for len(payload)-size >= 5 {
		end := size + 5 + int(binary.BigEndian.Uint32(payload[size+1:]))
		if end > len(payload) {
			break
		}
		size = end
	}
	return size
}

// messages cuts gRPC-Web frames; trailers with a status other than 0 are an error.
func messages(payload []byte, take func([]byte) error) error {
	for len(payload) >= 5 {
		size := int(binary.BigEndian.Uint32(payload[1:]))
		body := payload[5 : 5+size]
		if payload[0] == 0x80 {
			if strings.Contains(string(body), "grpc-status") {
				return fmt.Errorf("ended: %q", body)
			}
		} else if err := take(body); err != nil {
			return err
		}
		payload = payload[5+size:]
	}
	return nil
}
