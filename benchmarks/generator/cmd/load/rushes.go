package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/gobwas/httphead"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
	"google.golang.org/protobuf/encoding/protowire"
)

const collaborate = "/rushes.annotation.v1.AnnotationService/Collaborate"

// rushes is Collaborate over grpc-websockets. Messages are written and read field by field
// (numbers of protos/rushes/annotation/v1), since decoding them whole would cost more than the server spends.
type rushes struct {
	o         options
	perWriter int
	byClient  map[[16]byte]int // client id -> writer
	byBegin   map[[8]byte]int  // its first 8 bytes, as annotation ids begin with them -> writer
	byNumber  map[uint64]int   // what commits say in the place of who made them -> writer; the same for all clients
	strokes   [][]byte
}

func newRushes(o options, perWriter int, clients []*client) *rushes {
	r := &rushes{o: o, perWriter: perWriter, byClient: map[[16]byte]int{}, byBegin: map[[8]byte]int{},
		byNumber: map[uint64]int{}, strokes: strokes(o.points)}
	for _, c := range clients[:o.writers] {
		r.byClient[c.id] = c.index
		r.byBegin[[8]byte(c.id[:])] = c.index
	}
	return r
}

func (r *rushes) connect(c *client) error {
	dialer := ws.Dialer{
		Protocols: []string{"grpc-websockets"},
		Header:    ws.HandshakeHeaderHTTP(http.Header{"Cookie": {"rushes_session=" + c.session}}),
	}
	if r.o.deflate {
		dialer.Extensions = []httphead.Option{wsflate.Parameters{}.Option()}
	}
	gateways := strings.Split(r.o.url, ",")
	url := gateways[c.index%len(gateways)]
	if err := c.dial(dialer, strings.Replace(url, "http", "ws", 1)+collaborate); err != nil {
		return err
	}
	if err := c.write(ws.OpBinary, []byte("content-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\n")); err != nil {
		return err
	}
	delivery := r.o.delivery
	if c.full {
		delivery = 1
	}
	open := number(nil, 1, uint64(r.o.video))
	open = field(open, 2, c.id[:])
	if c.epoch != 0 {
		open = number(open, 4, uint64(c.revision))
		open = number(open, 5, c.epoch)
	}
	return c.message(field(nil, 1, number(number(open, 6, uint64(delivery)), 8, 1)))
}

// ready: opened, then its snapshot; who comes back has it.
func (r *rushes) ready(c *client) bool { return c.opened > 0 && (c.again || c.whole) }

// maxInFlight is what the protocol allows a client; what is made meanwhile waits, and its time runs.
const maxInFlight = 8

// ackEvery is how often a page says how far it has read, each at a pace of its own.
func ackEvery(c *client) int64 { return int64(2*time.Second) / 510 * (382 + int64(c.id[15])) }

// send sends what was made, as far as the flight has room.
func (r *rushes) send(c *client) error {
	for c.sent < c.made && len(c.inFlight) < maxInFlight {
		c.sent++
		next := flight{c.sent, r.batch(c, c.sent)}
		c.inFlight = append(c.inFlight, next)
		if err := c.message(next.message); err != nil {
			return err
		}
	}
	return nil
}

func (r *rushes) batch(c *client, sequence uint64) []byte {
	batch := number(nil, 4, sequence)
	batch = number(batch, 5, uint64(c.revision))
	for i := range r.o.batch {
		batch = field(batch, 7, r.operation(c, sequence, i))
	}
	return field(nil, 2, batch)
}

func (r *rushes) operation(c *client, sequence uint64, index int) []byte {
	if r.o.batch > 1 && sequence > 1 {
		return field(nil, 2, r.move(c, index))
	}
	points := r.strokes[(c.index*31+int(sequence)*977+index)%strokeKinds]
	return field(nil, 1, field(nil, 1, stroke(annotation(c.id, sequence, index), points)))
}

func annotation(client [16]byte, sequence uint64, index int) []byte {
	id := append(make([]byte, 0, 16), client[:8]...)
	id = binary.BigEndian.AppendUint32(id, uint32(sequence))
	return binary.BigEndian.AppendUint32(id, uint32(index))
}

func (r *rushes) move(c *client, index int) []byte {
	to := number(nil, 1, protowire.EncodeZigZag(int64(time.Now().UnixMilli()%20000)))
	move := field(nil, 1, annotation(c.id, 1, index))
	return number(field(move, 2, to), 3, uint64(c.revision))
}

// strokeKinds are so many that no two of a frame are the same: a frame of one and the same stroke packs too well.
const strokeKinds = 4096

// strokes are points as a hand makes them: each a step from the one before it, in much the same direction.
func strokes(count int) [][]byte {
	chance := rand.New(rand.NewPCG(1, 2))
	kinds := make([][]byte, strokeKinds)
	for kind := range kinds {
		angle := 2 * math.Pi * chance.Float64()
		for range count {
			angle += chance.Float64() - 0.5
			length := 100 + 400*chance.Float64()
			kinds[kind] = protowire.AppendVarint(kinds[kind], protowire.EncodeZigZag(int64(length*math.Cos(angle))))
			kinds[kind] = protowire.AppendVarint(kinds[kind], protowire.EncodeZigZag(int64(length*math.Sin(angle))))
		}
	}
	return kinds
}

func stroke(id, points []byte) []byte {
	a := number(field(nil, 1, id), 2, 1)
	a = field(a, 8, nil)
	a = field(a, 10, points)
	a = number(a, 12, 1)
	a = field(a, 13, number(number(number(nil, 1, 0xff3300), 2, 255), 3, 120))
	return number(a, 20, 2)
}

func (r *rushes) presence(c *client) error { return c.message(field(nil, 3, presenceState())) }

func presenceState() []byte {
	cursor := number(nil, 1, protowire.EncodeZigZag(time.Now().UnixMilli()%20000))
	return field(field(nil, 4, cursor), 5, []byte("pen"))
}

func (r *rushes) decode(payload []byte) (*frame, error) {
	f := &frame{}
	return f, messages(payload, func(message []byte) error { return r.message(message, f) })
}

func (r *rushes) message(message []byte, f *frame) error {
	kind, body := only(message)
	switch kind {
	case 1:
		f.opened++
		f.epoch = varint(body, 1)
	case 2:
		f.revision = int64(varint(body, 1))
		f.whole = varint(body, 3) != 0
	case 3:
		return each(body, func(kind protowire.Number, part []byte) error {
			if kind == 2 { // an author: before the commits that say its number
				r.byNumber[varint(part, 1)] = r.writer(bytesOf(part, 3))
				return nil
			}
			return r.commit(part, f)
		})
	case 4:
		return r.merged(body, f)
	case 5:
		f.landed = max(f.landed, varint(bytesOf(body, 1), 1))
	case 6:
		f.refused++
		if !strings.Contains(string(body), "OUT_OF_ORDER") {
			return fmt.Errorf("refused: %q", body)
		}
		f.resend = true
	case 7:
		f.presence++
		return r.shown(body, f)
	case 9:
		f.resend = true
	}
	return nil
}

// shown takes who is here: the people who are shown, and how many more there are.
func (r *rushes) shown(body []byte, f *frame) error {
	f.shown, f.crowd = nil, varint(body, 2) > 0
	return each(body, func(_ protowire.Number, person []byte) error {
		var id [16]byte
		copy(id[:], bytesOf(person, 1))
		if writer, ok := r.byClient[id]; ok {
			f.shown = append(f.shown, writer)
		}
		return nil
	})
}

func (r *rushes) commit(commit []byte, f *frame) error {
	f.revision = int64(varint(commit, 1))
	writer, err := r.author(commit)
	sequence := int(varint(commit, 4))
	if err == nil && writer != nobody && sequence >= 1 && sequence <= r.perWriter {
		f.commit(writer*r.perWriter+sequence-1, uint64(f.revision))
	}
	return err
}

// nobody is who wrote before, of no writer of this load.
const nobody = -1

// author gives which writer made a commit.
func (r *rushes) author(commit []byte) (int, error) {
	number := varint(commit, 8)
	if number == 0 {
		return r.writer(bytesOf(commit, 3)), nil
	}
	writer, ok := r.byNumber[number]
	if !ok {
		return nobody, fmt.Errorf("nobody was told who author %d is", number)
	}
	return writer, nil
}

func (r *rushes) writer(client []byte) int {
	var id [16]byte
	copy(id[:], client)
	if writer, ok := r.byClient[id]; ok {
		return writer
	}
	return nobody
}

// merged takes whole annotations, each the state after all that was merged.
func (r *rushes) merged(body []byte, f *frame) error {
	f.merged++
	f.revision = int64(varint(body, 2))
	err := each(body, func(kind protowire.Number, state []byte) error {
		id := bytesOf(bytesOf(state, 1), 1)
		if kind != 3 || len(id) != 16 {
			return nil
		}
		sequence := int(binary.BigEndian.Uint32(id[8:]))
		if writer, ok := r.byBegin[[8]byte(id[:8])]; ok && sequence >= 1 && sequence <= r.perWriter {
			f.events = append(f.events, event{uint32(writer*r.perWriter + sequence - 1), 0})
		}
		return nil
	})
	f.events = append(f.events, event{upTo, uint32(f.revision)})
	return err
}

// react notes which own batches landed, so that the next may go, and says now and then how far it has read.
func (r *rushes) react(c *client, f *frame, now int64) error {
	if f.resend {
		for _, each := range c.inFlight {
			if err := c.message(each.message); err != nil {
				return err
			}
		}
	}
	if len(c.inFlight) > 0 {
		if err := r.landed(c, f); err != nil {
			return err
		}
	}
	if len(f.events) == 0 || now-c.ackedAt < ackEvery(c) {
		return nil
	}
	c.ackedAt = now
	return c.message(number(nil, 4, uint64(c.revision)))
}

func (r *rushes) landed(c *client, f *frame) error {
	landed := f.landed
	first := uint32(c.index * r.perWriter)
	for _, event := range f.events {
		if event.revision != 0 && event.batch-first < uint32(r.perWriter) {
			landed = max(landed, uint64(event.batch-first)+1)
		}
	}
	for len(c.inFlight) > 0 && c.inFlight[0].number <= landed {
		c.inFlight = c.inFlight[1:]
	}
	return r.send(c)
}

// message sends a serialised CollaborateRequest.
func (c *client) message(request []byte) error {
	framed := make([]byte, 6, 6+len(request))
	binary.BigEndian.PutUint32(framed[2:], uint32(len(request)))
	return c.write(ws.OpBinary, append(framed, request...))
}
