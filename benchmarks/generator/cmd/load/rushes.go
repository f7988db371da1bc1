package main

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
	"google.golang.org/protobuf/encoding/protowire"
)

const collaborate = "/rushes.annotation.v1.AnnotationService/Collaborate"

// rushes is a client of Collaborate over grpc-websockets. Messages are written and read field by field
// (numbers of protos/rushes/annotation/v1), since decoding them whole would cost more than the server spends.
type rushes struct {
	o       options
	index   int
	session string
	full    bool
	book    *ledger
	socket

	clientID [16]byte
	revision atomic.Int64
	epoch    uint64 // of the log; 0: it was not opened yet
	cut      atomic.Bool
	ackedAt  time.Time
	writerOf *sync.Map // client id, or its first 8 bytes as annotation ids begin with them -> writer

	sending  sync.Mutex // the order of what is sent
	inFlight []flight
	made     uint64
	sent     uint64
}

// flight is a batch that is not known to have landed: sent again, unchanged, when the server asks for it.
type flight struct {
	number  uint64
	message []byte
}

var writersByID sync.Map

func newRushes(o options, index int, session string, full bool, book *ledger) *rushes {
	c := &rushes{o: o, index: index, session: session, full: full, book: book, writerOf: &writersByID}
	_, _ = rand.Read(c.clientID[:])
	if index < o.writers {
		c.writerOf.Store(c.clientID, index)
		c.writerOf.Store([8]byte(c.clientID[:8]), index)
	}
	return c
}

func (c *rushes) connect() error {
	dialer := ws.Dialer{
		Protocols: []string{"grpc-websockets"},
		Header:    ws.HandshakeHeaderHTTP(http.Header{"Cookie": {"rushes_session=" + c.session}}),
	}
	gateways := strings.Split(c.o.url, ",")
	url := gateways[c.index%len(gateways)]
	if err := c.dial(dialer, strings.Replace(url, "http", "ws", 1)+collaborate); err != nil {
		return err
	}
	if err := c.write([]byte("content-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\n")); err != nil {
		return err
	}
	delivery := c.o.delivery
	if c.full {
		delivery = 1
	}
	var open []byte
	open = protowire.AppendTag(open, 1, protowire.VarintType)
	open = protowire.AppendVarint(open, uint64(c.o.video))
	open = protowire.AppendTag(open, 2, protowire.BytesType)
	open = protowire.AppendBytes(open, c.clientID[:])
	if c.epoch != 0 {
		open = protowire.AppendTag(open, 4, protowire.VarintType)
		open = protowire.AppendVarint(open, uint64(c.revision.Load()))
		open = protowire.AppendTag(open, 5, protowire.VarintType)
		open = protowire.AppendVarint(open, c.epoch)
	}
	open = protowire.AppendTag(open, 6, protowire.VarintType)
	open = protowire.AppendVarint(open, uint64(delivery))
	if err := c.message(field(nil, 1, open)); err != nil {
		return err
	}
	return c.opened()
}

// opened reads until the document is here: opened, then its snapshot; who comes back has it.
func (c *rushes) opened() error {
	again := c.epoch != 0
	for {
		payload, err := c.frame()
		if err != nil {
			return err
		}
		last := false
		err = c.messages(payload, func(message []byte) error {
			number, body := only(message)
			switch number {
			case 1:
				c.epoch = varint(body, 1)
				last = again
			case 2:
				c.revision.Store(int64(varint(body, 1)))
				last = varint(body, 3) != 0
			}
			return nil
		})
		if err != nil || last {
			return err
		}
	}
}

// maxInFlight is what the protocol allows a client; what is made meanwhile waits, and its time runs.
const maxInFlight = 8

func (c *rushes) send() error {
	number := c.book.make(c.index)
	c.sending.Lock()
	defer c.sending.Unlock()
	c.made = number
	return c.pump()
}

// pump sends what was made, as far as the flight has room.
func (c *rushes) pump() error {
	for c.sent < c.made && len(c.inFlight) < maxInFlight {
		c.sent++
		next := flight{c.sent, c.batch(c.sent)}
		c.inFlight = append(c.inFlight, next)
		if err := c.message(next.message); err != nil {
			return err
		}
	}
	return nil
}

func (c *rushes) batch(number uint64) []byte {
	var batch []byte
	batch = protowire.AppendTag(batch, 4, protowire.VarintType)
	batch = protowire.AppendVarint(batch, number)
	batch = protowire.AppendTag(batch, 5, protowire.VarintType)
	revision := uint64(c.revision.Load())
	batch = protowire.AppendVarint(batch, revision)
	for i := range c.o.batch {
		batch = field(batch, 7, c.operation(number, i, revision))
	}
	return field(nil, 2, batch)
}

// landed forgets own batches up to this number; the next may go.
func (c *rushes) landed(number uint64) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	for len(c.inFlight) > 0 && c.inFlight[0].number <= number {
		c.inFlight = c.inFlight[1:]
	}
	return c.pump()
}

func (c *rushes) resend() error {
	c.sending.Lock()
	defer c.sending.Unlock()
	c.book.resent.Add(int64(len(c.inFlight)))
	for _, each := range c.inFlight {
		if err := c.message(each.message); err != nil {
			return err
		}
	}
	return nil
}

func (c *rushes) operation(number uint64, index int, seen uint64) []byte {
	if c.o.batch > 1 && number > 1 {
		return field(nil, 2, c.move(index, seen))
	}
	return field(nil, 1, field(nil, 1, c.stroke(number, index)))
}

func (c *rushes) annotation(number uint64, index int) []byte {
	id := make([]byte, 16)
	copy(id, c.clientID[:8])
	binary.BigEndian.PutUint32(id[8:], uint32(number))
	binary.BigEndian.PutUint32(id[12:], uint32(index))
	return id
}

func (c *rushes) move(index int, seen uint64) []byte {
	var to []byte
	to = protowire.AppendTag(to, 1, protowire.VarintType)
	to = protowire.AppendVarint(to, protowire.EncodeZigZag(int64(time.Now().UnixMilli()%20000)))
	move := field(nil, 1, c.annotation(1, index))
	move = field(move, 2, to)
	move = protowire.AppendTag(move, 3, protowire.VarintType)
	return protowire.AppendVarint(move, seen)
}

func (c *rushes) stroke(number uint64, index int) []byte {
	a := field(nil, 1, c.annotation(number, index))
	a = protowire.AppendTag(a, 2, protowire.VarintType)
	a = protowire.AppendVarint(a, 1)
	var points []byte
	for i := range c.o.points {
		angle := float64(i) / 3
		points = protowire.AppendVarint(points, protowire.EncodeZigZag(int64(300*math.Cos(angle))))
		points = protowire.AppendVarint(points, protowire.EncodeZigZag(int64(300*math.Sin(angle))))
	}
	a = field(a, 8, nil)
	a = field(a, 10, points)
	a = protowire.AppendTag(a, 12, protowire.VarintType)
	a = protowire.AppendVarint(a, 1)
	var style []byte
	for n, value := range map[protowire.Number]uint64{1: 0xff3300, 2: 255, 3: 120} {
		style = protowire.AppendTag(style, n, protowire.VarintType)
		style = protowire.AppendVarint(style, value)
	}
	a = field(a, 13, style)
	a = protowire.AppendTag(a, 20, protowire.VarintType)
	return protowire.AppendVarint(a, 2)
}

func (c *rushes) presence() error { return c.message(field(nil, 3, presenceState())) }

func presenceState() []byte {
	var cursor []byte
	cursor = protowire.AppendTag(cursor, 1, protowire.VarintType)
	cursor = protowire.AppendVarint(cursor, protowire.EncodeZigZag(time.Now().UnixMilli()%20000))
	state := field(nil, 4, cursor)
	return field(state, 5, []byte("pen"))
}

// read receives; whose connection was cut comes back at once, with what it has.
func (c *rushes) read() error {
	for {
		err := c.receive()
		if !c.cut.Swap(false) {
			return err
		}
		if err := c.connect(); err != nil {
			return err
		}
		c.book.back.add(time.Since(c.book.cutAt).Nanoseconds())
	}
}

func (c *rushes) receive() error {
	c.ackedAt = time.Now()
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
		if time.Since(c.ackedAt) > time.Second {
			c.ackedAt = time.Now()
			ack := protowire.AppendTag(nil, 4, protowire.VarintType)
			if err := c.message(protowire.AppendVarint(ack, uint64(c.revision.Load()))); err != nil {
				return err
			}
		}
	}
}

func (c *rushes) take(message []byte, now int64) error {
	number, body := only(message)
	switch number {
	case 3:
		return each(body, func(number protowire.Number, commit []byte) error {
			return c.commit(commit, now)
		})
	case 4:
		return c.merged(body, now)
	case 5:
		return c.landed(varint(bytesOf(body, 1), 1))
	case 7:
		c.book.presence.Add(1)
	case 6:
		c.book.refused.Add(1)
		if strings.Contains(string(body), "OUT_OF_ORDER") {
			return c.resend()
		}
		return fmt.Errorf("refused: %q", body)
	case 9:
		return c.resend()
	}
	return nil
}

// merged takes whole annotations, each the state after all that was merged.
func (c *rushes) merged(body []byte, now int64) error {
	c.book.merged.Add(1)
	revision := int64(varint(body, 2))
	err := each(body, func(field protowire.Number, state []byte) error {
		id := bytesOf(bytesOf(state, 1), 1)
		if field != 3 || len(id) != 16 {
			return nil
		}
		if writer, ok := c.writerOf.Load([8]byte(id[:8])); ok {
			c.book.shown(c.index, writer.(int), uint64(binary.BigEndian.Uint32(id[8:])), now)
		}
		return nil
	})
	c.revision.Store(revision)
	c.book.reached(c.index, revision)
	return err
}

func (c *rushes) commit(commit []byte, now int64) error {
	revision := int64(varint(commit, 1))
	var id [16]byte
	copy(id[:], bytesOf(commit, 3))
	writer, ok := c.writerOf.Load(id)
	if !ok {
		return nil
	}
	sequence := varint(commit, 4)
	c.book.arrived(c.index, writer.(int), sequence, revision, now)
	if c.index%50 == 0 {
		c.book.check(writer.(int), sequence, revision)
	}
	c.revision.Store(revision)
	if writer.(int) == c.index {
		return c.landed(sequence)
	}
	return nil
}

// message sends a serialised CollaborateRequest.
func (c *rushes) message(request []byte) error {
	frame := make([]byte, 6, 6+len(request))
	binary.BigEndian.PutUint32(frame[2:], uint32(len(request)))
	return c.write(append(frame, request...))
}

// messages cuts gRPC-Web frames; trailers with a status other than 0 are an error.
func (c *rushes) messages(payload []byte, take func([]byte) error) error {
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
