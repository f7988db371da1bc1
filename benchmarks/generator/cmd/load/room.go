package main

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/gobwas/ws"
	"google.golang.org/protobuf/encoding/protowire"
)

const signalPath = "/rushes.signaling.v1.RoomService/Signal"

// rooms is Signal of live rooms over grpc-websockets: what is made are lines of chat (numbers of
// protos/rushes/signaling/v1). Client i is in room i modulo their number.
type rooms struct {
	o         options
	perWriter int
	ids       []string
}

func (r *rooms) connect(c *client) error {
	dialer := ws.Dialer{
		Protocols: []string{"grpc-websockets"},
		Header:    ws.HandshakeHeaderHTTP(http.Header{"Cookie": {"rushes_session=" + c.session}}),
	}
	if err := c.dial(dialer, strings.Replace(r.o.url, "http", "ws", 1)+signalPath); err != nil {
		return err
	}
	if err := c.write(ws.OpBinary, []byte("content-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\n")); err != nil {
		return err
	}
	open := number(number(nil, 1, uint64(r.o.project)), 40, 1)
	return c.message(field(nil, 2, field(open, 2, []byte(r.ids[c.index%len(r.ids)]))))
}

func (r *rooms) ready(c *client) bool { return c.opened > 0 }

func (r *rooms) send(c *client) error {
	for ; c.sent < c.made; c.sent++ {
		c.commands++
		line := fmt.Appendf(nil, "%d %d look at the second bike", c.index, c.sent+1)
		if err := c.message(field(number(nil, 1, c.commands), 9, line)); err != nil {
			return err
		}
	}
	return nil
}

func (r *rooms) presence(*client) error { return nil }

func (r *rooms) react(*client, *frame, int64) error { return nil }

func (r *rooms) decode(payload []byte) (*frame, error) {
	f := &frame{}
	return f, messages(payload, func(message []byte) error { return r.message(message, f) })
}

// message looks for lines: SignalResponse.event, Event.chat, Chat.text.
func (r *rooms) message(message []byte, f *frame) error {
	kind, event := only(message)
	switch {
	case kind == 1:
		f.opened++
	case kind == 3 && bytesOf(event, 2) != nil:
		f.refused++
	case kind == 2:
		return r.line(event, f)
	case kind == 40:
		return each(event, func(_ protowire.Number, event []byte) error { return r.line(event, f) })
	}
	return nil
}

func (r *rooms) line(event []byte, f *frame) error {
	text := bytesOf(bytesOf(event, 6), 3)
	if text == nil {
		return nil
	}
	var writer, line int
	if _, err := fmt.Sscanf(string(text), "%d %d", &writer, &line); err != nil {
		return fmt.Errorf("a line of somebody else: %q", text)
	}
	f.commit(writer*r.perWriter+line-1, varint(event, 1))
	return nil
}
