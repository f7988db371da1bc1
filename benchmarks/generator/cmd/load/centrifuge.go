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

// centrifuge is Centrifuge's protobuf protocol: length-delimited commands and replies
// (numbers of definitions/client.proto in github.com/centrifugal/protocol).
type centrifuge struct {
	o         options
	perWriter int
	stroke    []byte
}

func newCentrifuge(o options, perWriter int) *centrifuge {
	// As many bytes as the same stroke has on our side.
	return &centrifuge{o, perWriter, stroke(make([]byte, 16), strokes(o.points)[0])}
}

func (p *centrifuge) connect(c *client) error {
	if err := c.dial(ws.Dialer{}, p.o.url+"/connection/websocket?cf_protocol=protobuf"); err != nil {
		return err
	}
	if err := c.command(4, nil); err != nil {
		return err
	}
	for _, name := range []string{channel, presenceChannel} {
		if err := c.command(5, field(nil, 1, []byte(name))); err != nil {
			return err
		}
	}
	return nil
}

// ready: connected, and on both channels.
func (p *centrifuge) ready(c *client) bool { return c.opened == 3 }

func (p *centrifuge) send(c *client) error {
	for ; c.sent < c.made; c.sent++ {
		// Who and which, then the strokes.
		data := binary.BigEndian.AppendUint32(nil, uint32(c.index))
		data = binary.BigEndian.AppendUint64(data, c.sent+1)
		for range p.o.batch {
			data = append(data, p.stroke...)
		}
		if err := c.command(7, field(field(nil, 1, []byte(channel)), 2, data)); err != nil {
			return err
		}
	}
	return nil
}

// presence goes to everybody: what the server does not choose from, all are sent.
func (p *centrifuge) presence(c *client) error {
	return c.command(7, field(field(nil, 1, []byte(presenceChannel)), 2, presenceState()))
}

func (p *centrifuge) decode(payload []byte) (*frame, error) {
	f := &frame{}
	for len(payload) > 0 {
		reply, n := protowire.ConsumeBytes(payload)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		if err := p.reply(reply, f); err != nil {
			return nil, err
		}
		payload = payload[n:]
	}
	return f, nil
}

func (p *centrifuge) reply(reply []byte, f *frame) error {
	if len(reply) == 0 {
		f.pings++
		return nil
	}
	return each(reply, func(kind protowire.Number, body []byte) error {
		switch kind {
		case 2:
			return fmt.Errorf("error reply %q", body)
		case 4:
			p.push(body, f)
		case 5, 6: // connected, subscribed
			f.opened++
		}
		return nil
	})
}

func (p *centrifuge) push(push []byte, f *frame) {
	if string(bytesOf(push, 2)) == presenceChannel {
		f.presence++
		return
	}
	publication := bytesOf(push, 4)
	data := bytesOf(publication, 4)
	if len(data) < 12 {
		return
	}
	writer, sequence := int(binary.BigEndian.Uint32(data)), int(binary.BigEndian.Uint64(data[4:]))
	f.commit(writer*p.perWriter+sequence-1, varint(publication, 6))
}

func (p *centrifuge) react(c *client, f *frame, _ int64) error {
	for range f.pings {
		if err := c.write(ws.OpBinary, []byte{0}); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) command(kind protowire.Number, body []byte) error {
	c.commands++
	command := field(number(nil, 1, c.commands), kind, body)
	return c.write(ws.OpBinary, protowire.AppendBytes(nil, command))
}
