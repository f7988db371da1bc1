// Many WebSockets that say nothing: opens them, keeps them, and asks some of them for a sign of life.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand"
	"net"
	"os"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var (
	address = flag.String("address", "", "HOST:PORT of the gateway")
	count   = flag.Int("count", 1000, "sockets")
	seconds = flag.Float64("seconds", 10, "how long they are asked")
	rate    = flag.Int("rate", 500, "pings a second, all together")
	source  = flag.Int("source", 2, "first of the addresses 127.0.0.N that they come from")
	hello   = flag.String("hello", "", "a call that each of them opens and that stays open; empty: none")
)

// Of one address there are 28,000 ports towards another: this many are taken of each.
const perAddress = 5_000

var began = time.Now()

type counts struct {
	open, lost, pongs atomic.Int64
	lock              sync.Mutex
	latencies         []time.Duration
}

type socket struct {
	conn net.Conn
	lock sync.Mutex
}

func (s *socket) write(opcode byte, payload []byte) {
	// The mask is zero: what is hidden here is nothing.
	out := append([]byte{0x80 | opcode, 0x80 | byte(len(payload)), 0, 0, 0, 0}, payload...)
	s.lock.Lock()
	defer s.lock.Unlock()
	s.conn.Write(out)
}

func open(at int) (*socket, error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(*source+at/perAddress))}, Timeout: time.Minute}
	conn, err := dialer.Dial("tcp", *address)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(conn, "GET /streams HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36\r\n"+
		"Accept-Encoding: gzip, deflate, br\r\nAccept-Language: en\r\nCache-Control: no-cache\r\nPragma: no-cache\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Protocol: rushes-streams\r\n\r\n", *address)
	conn.SetReadDeadline(time.Now().Add(time.Minute))
	reader := bufio.NewReaderSize(conn, 1024)
	for first := true; ; first = false {
		line, err := reader.ReadString('\n')
		if err != nil {
			return nil, err
		}
		if first && !strings.Contains(line, " 101 ") {
			return nil, errors.New(line)
		}
		if len(line) <= 2 {
			break
		}
	}
	conn.SetReadDeadline(time.Time{})
	if reader.Buffered() > 0 {
		return nil, errors.New("more than the handshake")
	}
	made := &socket{conn: conn}
	if *hello != "" {
		made.write(2, append([]byte{0, 0, 0, 0, 1}, []byte(*hello+"\r\n")...))
		made.write(2, []byte{1, 0, 0, 0, 1, 0, 0, 0, 0, 0})
	}
	return made, nil
}

// listen answers pings and takes pongs, until the socket ends.
func (s *socket) listen(found *counts) {
	defer found.lost.Add(1)
	head, payload := make([]byte, 2), make([]byte, 125)
	for {
		if _, err := io.ReadFull(s.conn, head); err != nil {
			return
		}
		size := int(head[1] & 0x7f)
		if size > len(payload) {
			return // nobody here asks for so much
		}
		if _, err := io.ReadFull(s.conn, payload[:size]); err != nil {
			return
		}
		switch head[0] & 0x0f {
		case 8:
			return
		case 9:
			s.write(10, payload[:size])
		case 10:
			if size == 8 {
				found.pongs.Add(1)
				spent := time.Since(began) - time.Duration(binary.BigEndian.Uint64(payload))
				found.lock.Lock()
				found.latencies = append(found.latencies, spent)
				found.lock.Unlock()
			}
		}
	}
}

func openAll(found *counts) []*socket {
	all := make([]*socket, *count)
	var group sync.WaitGroup
	next := make(chan int)
	for range 64 {
		group.Add(1)
		go func() {
			defer group.Done()
			for at := range next {
				one, err := open(at)
				if err != nil {
					log.Fatalf("socket %d: %v", at, err)
				}
				all[at] = one
				found.open.Add(1)
				go one.listen(found)
			}
		}()
	}
	for at := range all {
		next <- at
	}
	close(next)
	group.Wait()
	return all
}

func (c *counts) percentile(share float64) float64 {
	c.lock.Lock()
	defer c.lock.Unlock()
	if len(c.latencies) == 0 {
		return 0
	}
	sort.Slice(c.latencies, func(a, b int) bool { return c.latencies[a] < c.latencies[b] })
	return float64(c.latencies[int(float64(len(c.latencies)-1)*share)].Microseconds()) / 1000
}

func main() {
	flag.Parse()
	found := &counts{}
	all := openAll(found)
	fmt.Println("open")
	bufio.NewReader(os.Stdin).ReadString('\n')
	pings := 0
	ticker := time.NewTicker(time.Second / time.Duration(*rate))
	for end := time.Now().Add(time.Duration(*seconds * float64(time.Second))); time.Now().Before(end); pings++ {
		<-ticker.C
		payload := make([]byte, 8)
		binary.BigEndian.PutUint64(payload, uint64(time.Since(began)))
		all[rand.Intn(len(all))].write(9, payload)
	}
	for wait := 0; wait < 500 && found.pongs.Load() < int64(pings); wait++ {
		time.Sleep(10 * time.Millisecond)
	}
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"open": found.open.Load(), "lost": found.lost.Load(), "pings": pings, "pongs": found.pongs.Load(),
		"p50_ms": found.percentile(0.5), "p99_ms": found.percentile(0.99),
	})
	bufio.NewReader(os.Stdin).ReadString('\n') // they stay open until they are counted
}
