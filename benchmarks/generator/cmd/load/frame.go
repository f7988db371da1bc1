package main

import (
	"bufio"
	"bytes"
	"compress/flate"
	"io"
	"strings"
)

// frame is what one WebSocket message says. Who receives the same bytes shares it; nothing in it changes afterwards.
type frame struct {
	events   []event
	commits  int // of the events
	merged   int // messages of merged states
	presence int
	shown    []int // writers whom the last presence shows
	crowd    bool  // it does not show all
	revision int64 // the document is known up to it; 0: the frame says nothing about it
	epoch    uint64
	opened   int  // answers to what a client says first
	whole    bool // the snapshot ends here
	landed   uint64
	refused  int
	resend   bool
	pings    int
	checked  bool // compared with what others were told; of the account
}

// event is a batch that a frame brings. A revision of 0: as part of merged states. The batch upTo: they end at the revision.
type event struct {
	batch    uint32
	revision uint32
}

const upTo = ^uint32(0)

func (f *frame) commit(batch int, revision uint64) {
	f.events = append(f.events, event{uint32(batch), uint32(revision)})
	f.commits++
	f.revision = int64(revision)
}

// key tells nearly all frames apart at a glance; their bytes are compared all the same.
type key struct {
	size       int
	packed     bool
	head, tail [32]byte
}

const (
	keptFrames = 1024
	keptBytes  = 64 << 20
)

type keptFrame struct {
	key     key
	payload []byte
	frame   *frame
}

// cache has the newest frames by their bytes, so that each distinct one is decoded once.
type cache struct {
	decode func(payload []byte) (*frame, error)
	byKey  map[key]*keptFrame
	ring   [keptFrames]*keptFrame
	oldest int
	count  int
	bytes  int
	// distinct counts the frames that were decoded.
	distinct int64
	unpacker io.ReadCloser
	unpacked bytes.Buffer // what was packed last; whoever decodes keeps none of it
}

func newCache(decode func([]byte) (*frame, error)) *cache {
	return &cache{decode: decode, byKey: make(map[key]*keptFrame, keptFrames), unpacker: flate.NewReader(nil)}
}

// get gives what these bytes say.
func (c *cache) get(payload []byte, packed bool) (*frame, error) {
	if len(payload) < 64 {
		c.distinct++
		return c.read(payload, packed)
	}
	k := key{size: len(payload), packed: packed, head: [32]byte(payload), tail: [32]byte(payload[len(payload)-32:])}
	if kept := c.byKey[k]; kept != nil && bytes.Equal(kept.payload, payload) {
		return kept.frame, nil
	}
	c.distinct++
	decoded, err := c.read(payload, packed)
	if err == nil {
		c.keep(k, payload, decoded)
	}
	return decoded, err
}

// read decodes; what is packed is unpacked first.
func (c *cache) read(payload []byte, isPacked bool) (*frame, error) {
	if !isPacked {
		return c.decode(payload)
	}
	end := strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff")
	packed := bufio.NewReader(io.MultiReader(bytes.NewReader(payload), end))
	if err := c.unpacker.(flate.Resetter).Reset(packed, nil); err != nil {
		return nil, err
	}
	c.unpacked.Reset()
	if _, err := c.unpacked.ReadFrom(c.unpacker); err != nil {
		return nil, err
	}
	return c.decode(c.unpacked.Bytes())
}

func (c *cache) keep(k key, payload []byte, decoded *frame) {
	var spare []byte
	for c.count == keptFrames || (c.count > 0 && c.bytes+len(payload) > keptBytes) {
		spare = c.forget()
	}
	kept := &keptFrame{k, append(spare[:0], payload...), decoded}
	c.ring[(c.oldest+c.count)%keptFrames] = kept
	c.count++
	c.bytes += len(payload)
	c.byKey[k] = kept
}

// forget drops the oldest and gives its memory.
func (c *cache) forget() []byte {
	old := c.ring[c.oldest]
	c.ring[c.oldest] = nil
	c.oldest = (c.oldest + 1) % keptFrames
	c.count--
	c.bytes -= len(old.payload)
	if c.byKey[old.key] == old {
		delete(c.byKey, old.key)
	}
	return old.payload
}
