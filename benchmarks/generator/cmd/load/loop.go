package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"
)

const (
	// tick is how often the sockets are looked at while little comes: what is ready is read together, and the server
	// never has to wake the reader of what it writes. A frame is counted as much too late.
	tick        = time.Millisecond
	eventsAHead = 128
	// arrives is told once for what came: a socket that was read empty is not looked at again before there is more.
	arrives = unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET
	ends    = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
)

// loop is all clients in one thread: it reads, answers, and sends what is due.
type loop struct {
	dialect      dialect
	cache        *cache
	clients      []*client
	joining      chan *client
	poll         int
	events       [eventsAHead]unix.EpollEvent
	buffer       []byte
	origin       time.Time
	schedule     schedule
	parts        int       // each client is in one of so many rooms, and is sent what is made there, as much in each
	cutsAnywhere bool      // messages do not end where those of the WebSocket do
	unread       histogram // how long frames waited in the kernel until the loop read them, of some clients
	back         histogram // from the cut to being opened again
	count        counters
}

func newLoop(d dialect, clients []*client) (*loop, error) {
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return &loop{dialect: d, cache: newCache(d.decode), clients: clients, poll: poll, origin: time.Now(),
		joining: make(chan *client, len(clients)), buffer: make([]byte, 1<<20)}, nil
}

func (l *loop) now() int64 { return int64(time.Since(l.origin)) }

// until runs until done, which is asked each time around, or for so long.
func (l *loop) until(longest time.Duration, done func() bool) bool {
	for end := time.Now().Add(longest); !done(); {
		if time.Now().After(end) {
			return false
		}
		l.turn()
	}
	return true
}

func (l *loop) turn() {
	l.join()
	l.schedule.due(l)
	n, err := unix.EpollWait(l.poll, l.events[:], 0)
	if err != nil && err != unix.EINTR {
		panic(err)
	}
	for _, event := range l.events[:max(0, n)] {
		c := l.clients[event.Fd]
		if c.descriptor < 0 {
			continue // it was closed on this turn
		}
		var failed error
		if event.Events&unix.EPOLLOUT != 0 {
			failed = c.flush()
		}
		if failed == nil && event.Events&^unix.EPOLLOUT != 0 {
			failed = l.read(c, event.Events&ends != 0)
		}
		l.after(c, failed)
	}
	if n <= 0 {
		pause := unix.NsecToTimespec(int64(tick))
		_ = unix.Nanosleep(&pause, nil)
	}
}

// join takes in clients whose connection is open.
func (l *loop) join() {
	for {
		select {
		case c := <-l.joining:
			err := c.refusal
			if err == nil && c.sampled() {
				err = c.arrivals()
			}
			if err == nil {
				err = unix.EpollCtl(l.poll, unix.EPOLL_CTL_ADD, c.descriptor, listening(c, arrives))
			}
			if err == nil {
				err = l.frames(c, copy(l.buffer, c.partial))
			}
			l.after(c, err)
		default:
			return
		}
	}
}

// read takes what came for a client; ended: and then its end.
func (l *loop) read(c *client, ended bool) error {
	for {
		kept := copy(l.buffer, c.partial)
		n, err := l.readInto(c, l.buffer[kept:])
		if err == unix.EAGAIN {
			return nil
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return errClosed
		}
		full := kept+n == len(l.buffer)
		if full {
			l.buffer = append(l.buffer, make([]byte, len(l.buffer))...)
		}
		if err := l.frames(c, kept+n); err != nil || !full && !ended {
			return err
		}
	}
}

func (l *loop) readInto(c *client, to []byte) (int, error) {
	if !c.sampled() {
		return unix.Read(c.descriptor, to)
	}
	n, waited, err := c.readAt(to)
	if waited >= 0 {
		l.unread.add(waited)
	}
	return n, err
}

// frames takes the whole frames from the beginning of the buffer.
func (l *loop) frames(c *client, size int) error {
	data := l.buffer[:size]
	now := l.now()
	for {
		code, payload, rest, err := cut(data)
		if err != nil {
			return err
		}
		if payload == nil {
			c.partial = append(c.partial[:0], data...)
			return nil
		}
		data = rest
		switch code {
		case ws.OpBinary, ws.OpBinary | packed:
			err = l.frame(c, payload, code&packed != 0, now)
		case ws.OpPing:
			err = c.write(ws.OpPong, payload)
		case ws.OpClose:
			err = errClosed
		}
		if err != nil {
			return err
		}
	}
}

func (l *loop) frame(c *client, payload []byte, packed bool, now int64) error {
	l.count.frames++
	l.count.bytes += int64(len(payload))
	if l.cutsAnywhere && !packed { // what is packed is whole
		if payload = c.joined(payload); len(payload) == 0 {
			return nil
		}
	}
	f, err := l.cache.get(payload, packed)
	if err != nil {
		return err
	}
	l.count.merged += int64(f.merged)
	l.count.presence += int64(f.presence)
	l.count.refused += int64(f.refused)
	c.take(f, now)
	if !c.ready && l.dialect.ready(c) {
		l.isReady(c, now)
	}
	if f.resend {
		l.count.resent += int64(len(c.inFlight))
	}
	return l.dialect.react(c, f, now)
}

func (l *loop) isReady(c *client, now int64) {
	c.ready = true
	if c.again {
		l.back.add(now - c.cutAt)
	}
	c.waiting <- nil
}

// after ends a client that failed, and listens for room where something was not sent.
func (l *loop) after(c *client, failed error) {
	if failed != nil {
		l.failed(c, failed)
		return
	}
	if blocked := len(c.unsent) > 0; blocked != c.listening {
		c.listening = blocked
		events := uint32(arrives)
		if blocked {
			events |= unix.EPOLLOUT
		}
		if err := unix.EpollCtl(l.poll, unix.EPOLL_CTL_MOD, c.descriptor, listening(c, events)); err != nil {
			l.failed(c, err)
		}
	}
}

func listening(c *client, events uint32) *unix.EpollEvent {
	return &unix.EpollEvent{Events: events, Fd: int32(c.index)}
}

func (l *loop) failed(c *client, err error) {
	l.count.errors++
	if l.count.errors == 1 {
		l.count.firstErr = fmt.Sprintf("client %d: %v", c.index, err)
	}
	c.gone = true
	c.close()
	if !c.ready {
		c.waiting <- err
	}
}

// connect opens connections, so many at a time; what is answered comes to the loop meanwhile.
func (l *loop) connect(clients []*client, atOnce int) <-chan error {
	slots := make(chan struct{}, atOnce)
	done := make(chan error, len(clients))
	for _, c := range clients {
		go func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			c.refusal = l.dialect.connect(c)
			l.joining <- c
			done <- <-c.waiting
		}()
	}
	return done
}

var errConnecting = errors.New("not all were connected in time")

// connectAll waits for all to be there.
func (l *loop) connectAll(longest time.Duration) error {
	done := l.connect(l.clients, 50)
	var first error
	here := 0
	all := func() bool {
		for {
			select {
			case err := <-done:
				here++
				if first == nil {
					first = err
				}
			default:
				return first != nil || here == len(l.clients)
			}
		}
	}
	if !l.until(longest, all) {
		return fmt.Errorf("%w: %d of %d", errConnecting, here, len(l.clients))
	}
	return first
}

// cutAll breaks the connections of all these in one moment; they come back at once, with what they have.
func (l *loop) cutAll(clients []*client) {
	now := l.now()
	for _, c := range clients {
		if c.gone {
			continue
		}
		c.close()
		c.ready, c.again, c.listening, c.cutAt, c.part = false, true, false, now, nil
		c.opened, c.whole = 0, false
	}
	l.connect(clients, len(clients))
}
