package main

import (
	"crypto/rand"
	"slices"
)

// dialect is how a server is spoken to.
type dialect interface {
	// connect opens the socket and says what comes first; answers come to the loop as all else.
	connect(c *client) error
	// ready tells whether a client has all answers to what it said first.
	ready(c *client) bool
	decode(payload []byte) (*frame, error)
	// react does what a client owes the server for a frame.
	react(c *client, f *frame, now int64) error
	// send makes one batch; its number, from 1, is one more than the last one's.
	send(c *client) error
	presence(c *client) error
}

// client is one connection. While it connects it is its connector's, after that the loop's.
type client struct {
	socket
	index   int
	session string
	full    bool
	id      [16]byte
	waiting chan error // whoever connects it waits for its answers
	refusal error      // of the connection

	ready     bool
	again     bool // was connected before
	cutAt     int64
	gone      bool
	listening bool // to room in the kernel

	// What it knows, as a browser does.
	part     []byte // of a message whose end has not come
	opened   int
	whole    bool
	epoch    uint64
	revision int64
	ackedAt  int64
	made     uint64
	sent     uint64
	inFlight []flight
	commands uint64
	unseen   bool
	saidAt   int64 // where it is

	// What it received.
	deliveries []delivery
	received   int64
	merges     bool
}

// flight is a batch that is not known to have landed: sent again, unchanged, when the server asks for it.
type flight struct {
	number  uint64
	message []byte
}

// delivery is a frame that reached a client.
type delivery struct {
	frame *frame
	at    int64
}

func newClient(o options, index int, session string) *client {
	c := &client{index: index, session: session, waiting: make(chan error, 1)}
	c.full = o.delivery == 1 || (index >= o.writers && index < o.writers+o.full)
	c.socket.descriptor = -1
	_, _ = rand.Read(c.id[:])
	return c
}

// joined gives the whole messages of what came until now: a large one comes in several WebSocket messages.
func (c *client) joined(payload []byte) []byte {
	if len(c.part) > 0 {
		payload = append(c.part, payload...)
		c.part = nil
	}
	size := wholeMessages(payload)
	if size < len(payload) {
		c.part = append([]byte(nil), payload[size:]...)
	}
	return payload[:size]
}

// sampled: it is asked how long what it reads has waited for it.
func (c *client) sampled() bool { return c.index%16 == 0 }

// take notes what a frame brings.
func (c *client) take(f *frame, now int64) {
	c.opened += f.opened
	c.whole = c.whole || f.whole
	if f.opened > 0 && f.epoch != 0 {
		c.epoch = f.epoch
	}
	c.revision = max(c.revision, f.revision)
	if len(f.events) > 0 {
		c.deliveries = append(c.deliveries, delivery{f, now})
		c.received += int64(f.commits)
	}
	c.merges = c.merges || f.merged > 0
	if f.presence > 0 {
		c.unseen = f.crowd && !slices.Contains(f.shown, c.index)
	}
}

// lacks tells how many batches it has not received. Each batch is one revision of a new document.
func (c *client) lacks(want int64) int64 {
	if c.merges {
		return max(0, want-c.revision)
	}
	return want - c.received
}

// counters of a run.
type counters struct {
	errors   int64
	firstErr string
	refused  int64
	resent   int64
	merged   int64
	presence int64
	frames   int64
	bytes    int64
}
