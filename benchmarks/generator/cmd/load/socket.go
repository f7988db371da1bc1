package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"syscall"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"
)

// socket is a client's WebSocket: a descriptor that never blocks, what came of a frame that is not whole yet, and what
// the kernel has not taken.
type socket struct {
	descriptor int
	partial    []byte
	unsent     []byte
}

var (
	errClosed     = errors.New("the server closed")
	errFragmented = errors.New("a fragmented message")
)

// receiveBytes is what the kernel keeps of what a client has not read. Left to itself it begins with 64 KiB and gives more
// to who reads often: these clients take turns in one thread, and would have the server wait for their turns, where a
// browser has a processor of its own.
const receiveBytes = 1 << 20

// wide makes a connection's socket keep receiveBytes, before it tells the server how much that is.
func wide(_, _ string, raw syscall.RawConn) error {
	var failed error
	if err := raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBytes)
	}); err != nil {
		return err
	}
	return failed
}

// dial opens the WebSocket; the connection is then the caller's, not the Go runtime's.
func (s *socket) dial(dialer ws.Dialer, url string) error {
	dialer.Timeout = 30 * time.Second
	dialer.NetDial = (&net.Dialer{Control: wide}).DialContext
	conn, buffered, _, err := dialer.Dial(context.Background(), url)
	if err != nil {
		return fmt.Errorf("dial: %w", err)
	}
	defer conn.Close()
	s.partial, s.unsent = early(buffered), nil
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { s.descriptor, failed = unix.Dup(int(fd)) }); err != nil {
		return err
	}
	return failed
}

// arrivals has the kernel tell when it got what is read.
func (s *socket) arrivals() error {
	return unix.SetsockoptInt(s.descriptor, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
}

// readAt reads, and tells how many nanoseconds the newest of it has been in the kernel.
func (s *socket) readAt(to []byte) (n int, waited int64, err error) {
	var control [64]byte
	n, size, _, _, err := unix.Recvmsg(s.descriptor, to, control[:], 0)
	if err != nil || size < unix.CmsgLen(16) {
		return n, -1, err
	}
	body := control[unix.CmsgLen(0):]
	arrived := int64(binary.NativeEndian.Uint64(body))*1e9 + int64(binary.NativeEndian.Uint64(body[8:]))
	return n, time.Now().UnixNano() - arrived, nil
}

// early gives what came with the answer to the handshake.
func early(buffered *bufio.Reader) []byte {
	if buffered == nil {
		return nil
	}
	peeked, _ := buffered.Peek(buffered.Buffered())
	return append([]byte(nil), peeked...)
}

// write sends a message, or as much of it as the kernel takes; the rest goes when there is room.
func (s *socket) write(code ws.OpCode, payload []byte) error {
	return s.put(masked(code, payload))
}

func (s *socket) put(bytes []byte) error {
	if len(s.unsent) > 0 {
		s.unsent = append(s.unsent, bytes...)
		return nil
	}
	taken, err := unix.Write(s.descriptor, bytes)
	if err != nil && err != unix.EAGAIN {
		return err
	}
	s.unsent = append(s.unsent[:0], bytes[max(0, taken):]...)
	return nil
}

// flush sends what the kernel had no room for.
func (s *socket) flush() error {
	waiting := s.unsent
	s.unsent = nil
	return s.put(waiting)
}

func (s *socket) close() {
	if s.descriptor >= 0 {
		_ = unix.Close(s.descriptor)
		s.descriptor = -1
	}
}

// packed is the bit of a frame whose message is packed (permessage-deflate).
const packed = 0x40

// masked is a whole WebSocket frame of a client.
func masked(code ws.OpCode, payload []byte) []byte {
	frame := make([]byte, 0, 14+len(payload))
	frame = append(frame, 0x80|byte(code))
	switch size := len(payload); {
	case size < 126:
		frame = append(frame, 0x80|byte(size))
	case size < 1<<16:
		frame = binary.BigEndian.AppendUint16(append(frame, 0x80|126), uint16(size))
	default:
		frame = binary.BigEndian.AppendUint64(append(frame, 0x80|127), uint64(size))
	}
	mask := binary.NativeEndian.AppendUint32(nil, rand.Uint32())
	frame = append(frame, mask...)
	begin := len(frame)
	frame = append(frame, payload...)
	ws.Cipher(frame[begin:], [4]byte(mask), 0)
	return frame
}

// cut takes the first frame from what came: its code, its payload and what follows; no payload and no error: it is not whole.
func cut(data []byte) (code ws.OpCode, payload, rest []byte, err error) {
	if len(data) < 2 {
		return 0, nil, data, nil
	}
	if data[0]&0x80 == 0 {
		return 0, nil, data, errFragmented
	}
	begin, size := 2, int(data[1]&0x7f)
	switch {
	case size == 126 && len(data) >= 4:
		begin, size = 4, int(binary.BigEndian.Uint16(data[2:]))
	case size == 127 && len(data) >= 10:
		begin, size = 10, int(binary.BigEndian.Uint64(data[2:]))
	case size > 125:
		return 0, nil, data, nil
	}
	if len(data)-begin < size {
		return 0, nil, data, nil
	}
	return ws.OpCode(data[0] & (0x0f | packed)), data[begin : begin+size : begin+size], data[begin+size:], nil
}
