package main

import (
	"encoding/binary"
	"fmt"

	"github.com/gobwas/ws"
	"google.golang.org/protobuf/encoding/protowire"
)

const (
	channel         = "video"
	presenceChannel = "presence" // no history: what comes later replaces it
)

// centrifugeClient speaks Centrifuge's protobuf protocol: length-delimited commands and replies
// (numbers of definitions/client.proto in github.com/centrifugal/protocol).
type centrifugeClient struct {
	o     options
	index int
	book  *ledger
	socket
	id uint64
}

func newCentrifuge(o options, index int, book *ledger) *centrifugeClient {
	return &centrifugeClient{o: o, index: index, book: book}
}

func (c *centrifugeClient) connect() error {
	if err := c.dial(ws.Dialer{}, c.o.url+"/connection/websocket?cf_protocol=protobuf"); err != nil {
		return err
	}
	if err := c.command(4, nil); err != nil {
		return err
	}
	if err := c.answered(5); err != nil {
		return err
	}
	for _, name := range []string{channel, presenceChannel} {
		if err := c.command(5, field(nil, 1, []byte(name))); err != nil {
			return err
		}
		if err := c.answered(6); err != nil {
			return err
		}
	}
	return nil
}

func (c *centrifugeClient) answered(want protowire.Number) error {
	for {
		payload, err := c.frame()
		if err != nil {
			return err
		}
		found := false
		err = c.replies(payload, func(reply []byte) error {
			if failure := bytesOf(reply, 2); failure != nil {
				return fmt.Errorf("error reply %q", failure)
			}
			return each(reply, func(number protowire.Number, _ []byte) error {
				found = found || number == want
				return nil
			})
		})
		if err != nil || found {
			return err
		}
	}
}

func (c *centrifugeClient) send() error {
	number := c.book.make(c.index)
	// Who and which, then as many bytes as the same stroke has on our side.
	data := make([]byte, 12, 256)
	binary.BigEndian.PutUint32(data, uint32(c.index))
	binary.BigEndian.PutUint64(data[4:], number)
	stroke := (&rushes{o: c.o}).stroke(number, 0)
	for range c.o.batch {
		data = append(data, stroke...)
	}
	return c.command(7, field(field(nil, 1, []byte(channel)), 2, data))
}

// presence goes to everybody: what the server does not choose from, all are sent.
func (c *centrifugeClient) presence() error {
	return c.command(7, field(field(nil, 1, []byte(presenceChannel)), 2, presenceState()))
}

func (c *centrifugeClient) read() error {
	for {
		payload, err := c.frame()
		if err != nil {
			return err
		}
		now := c.book.now()
		c.book.frames.Add(1)
		c.book.bytes.Add(int64(len(payload)))
		if err := c.replies(payload, func(reply []byte) error { return c.take(reply, now) }); err != nil {
			return err
		}
	}
}

func (c *centrifugeClient) take(reply []byte, now int64) error {
	if len(reply) == 0 {
		return c.write([]byte{0}) // ping
	}
	push := bytesOf(reply, 4)
	if push == nil {
		if failure := bytesOf(reply, 2); failure != nil {
			return fmt.Errorf("error reply %q", failure)
		}
		return nil
	}
	if string(bytesOf(push, 2)) == presenceChannel {
		c.book.presence.Add(1)
		return nil
	}
	publication := bytesOf(push, 4)
	data := bytesOf(publication, 4)
	if len(data) < 12 {
		return nil
	}
	writer, number := int(binary.BigEndian.Uint32(data)), binary.BigEndian.Uint64(data[4:])
	offset := int64(varint(publication, 6))
	c.book.arrived(c.index, writer, number, offset, now)
	if c.index%50 == 0 {
		c.book.check(writer, number, offset)
	}
	return nil
}

func (c *centrifugeClient) command(number protowire.Number, body []byte) error {
	c.mutex.Lock()
	c.id++
	command := protowire.AppendTag(nil, 1, protowire.VarintType)
	command = protowire.AppendVarint(command, c.id)
	c.mutex.Unlock()
	return c.write(protowire.AppendBytes(nil, field(command, number, body)))
}

func (c *centrifugeClient) replies(payload []byte, take func([]byte) error) error {
	for len(payload) > 0 {
		reply, n := protowire.ConsumeBytes(payload)
		if n < 0 {
			return protowire.ParseError(n)
		}
		if err := take(reply); err != nil {
			return err
		}
		payload = payload[n:]
	}
	return nil
}
