package main

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/gobwas/ws"
	"google.golang.org/protobuf/encoding/protowire"
)

const signalPath = "/rushes.signaling.v1.RoomService/Signal"

// roomClient is somebody in a live room over grpc-websockets: what is made are lines of chat (numbers of
// protos/rushes/signaling/v1). Client i is in room i modulo their number.
type roomClient struct {
	rushes
	room string
	asks uint64
}

func newRoomClient(o options, index int, session string, rooms []string, book *ledger) *roomClient {
	return &roomClient{rushes: rushes{o: o, index: index, session: session, book: book}, room: rooms[index%len(rooms)]}
}

func (c *roomClient) connect() error {
	dialer := ws.Dialer{
		Protocols: []string{"grpc-websockets"},
		Header:    ws.HandshakeHeaderHTTP(http.Header{"Cookie": {"rushes_session=" + c.session}}),
	}
	if err := c.dial(dialer, strings.Replace(c.o.url, "http", "ws", 1)+signalPath); err != nil {
		return err
	}
	if err := c.write([]byte("content-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\n")); err != nil {
		return err
	}
	open := protowire.AppendTag(nil, 1, protowire.VarintType)
	open = protowire.AppendVarint(open, uint64(c.o.project))
	open = field(open, 2, []byte(c.room))
	if err := c.message(field(nil, 2, open)); err != nil {
		return err
	}
	for opened := false; !opened; {
		payload, err := c.frame()
		if err != nil {
			return err
		}
		err = c.messages(payload, func(message []byte) error {
			number, _ := only(message)
			opened = opened || number == 1
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *roomClient) send() error {
	number := c.book.make(c.index)
	c.sending.Lock()
	defer c.sending.Unlock()
	c.asks++
	request := protowire.AppendTag(nil, 1, protowire.VarintType)
	request = protowire.AppendVarint(request, c.asks)
	return c.message(field(request, 9, fmt.Appendf(nil, "%d %d look at the second bike", c.index, number)))
}

func (c *roomClient) presence() error { return nil }

func (c *roomClient) read() error {
	for {
		payload, err := c.frame()
		if err != nil {
			return err
		}
		now := c.book.now()
		c.book.frames.Add(1)
		c.book.bytes.Add(int64(len(payload)))
		if err := c.messages(payload, func(message []byte) error { return c.take(message, now) }); err != nil {
			return err
		}
	}
}

// take looks for lines: SignalResponse.event, Event.chat, Chat.text.
func (c *roomClient) take(message []byte, now int64) error {
	number, event := only(message)
	if number == 3 && bytesOf(event, 2) != nil {
		c.book.refused.Add(1)
	}
	if number != 2 {
		return nil
	}
	text := bytesOf(bytesOf(event, 6), 3)
	if text == nil {
		return nil
	}
	var writer int
	var line uint64
	if _, err := fmt.Sscanf(string(text), "%d %d", &writer, &line); err != nil {
		return fmt.Errorf("a line of somebody else: %q", text)
	}
	ordinal := int64(varint(event, 1))
	c.book.arrived(c.index, writer, line, ordinal, now)
	return nil
}
