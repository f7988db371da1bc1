package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/gobwas/ws"
)

// socket is a client's WebSocket: one reader, any number of writers.
type socket struct {
	conn   net.Conn
	reader io.Reader
	mutex  sync.Mutex // writes
}

func (s *socket) dial(dialer ws.Dialer, url string) error {
	dialer.Timeout = 30 * time.Second
	conn, buffered, _, err := dialer.Dial(context.Background(), url)
	if err != nil {
		return fmt.Errorf("dial: %w", err)
	}
	s.conn, s.reader = conn, conn
	if buffered != nil {
		s.reader = buffered
	}
	return nil
}

func (s *socket) write(payload []byte) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return ws.WriteFrame(s.conn, ws.MaskFrameInPlace(ws.NewBinaryFrame(payload)))
}

// frame reads the next binary message; pings are answered.
func (s *socket) frame() ([]byte, error) {
	for {
		frame, err := ws.ReadFrame(s.reader)
		if err != nil {
			return nil, err
		}
		switch frame.Header.OpCode {
		case ws.OpBinary:
			return frame.Payload, nil
		case ws.OpPing:
			s.mutex.Lock()
			err = ws.WriteFrame(s.conn, ws.MaskFrameInPlace(ws.NewPongFrame(frame.Payload)))
			s.mutex.Unlock()
			if err != nil {
				return nil, err
			}
		case ws.OpClose:
			return nil, errors.New("the server closed")
		}
	}
}

func (s *socket) close() { _ = s.conn.Close() }
