// Browsers' load on a gateway: unary gRPC-Web calls, server streams, or ping-pong on WebSockets, as bytes.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

var (
	address  = flag.String("address", "", "HOST:PORT of the gateway")
	mode     = flag.String("mode", "unary", "unary, stream, or ws")
	conns    = flag.Int("conns", 32, "connections")
	seconds  = flag.Float64("seconds", 5, "how long")
	size     = flag.Int("size", 100, "bytes of a message")
	messages = flag.Int("messages", 10000, "messages of a stream")
	token    = flag.String("token", "", "bearer token")
	path     = flag.String("path", "/test.v1.EchoService/Echo", "method of the unary calls")
	pace     = flag.Duration("pace", 0, "between two calls of one connection")
	samples  = flag.Bool("samples", false, "print each call too: when it began, in Unix seconds, and its milliseconds")
)

func frame(payload []byte) []byte {
	out := make([]byte, 5+len(payload))
	binary.BigEndian.PutUint32(out[1:], uint32(len(payload)))
	copy(out[5:], payload)
	return out
}

func request(path string, payload []byte) []byte {
	body := frame(payload)
	var out bytes.Buffer
	fmt.Fprintf(&out, "POST %s HTTP/1.1\r\nHost: %s\r\n", path, *address)
	out.WriteString("User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36\r\n")
	out.WriteString("Accept: */*\r\nAccept-Language: en\r\nAccept-Encoding: gzip, deflate, br\r\nX-Grpc-Web: 1\r\n")
	if *token != "" {
		fmt.Fprintf(&out, "Authorization: Bearer %s\r\n", *token)
	}
	fmt.Fprintf(&out, "Content-Type: application/grpc-web+proto\r\nContent-Length: %d\r\n\r\n", len(body))
	out.Write(body)
	return out.Bytes()
}

var okTrailer = []byte("grpc-status:")

// readAnswer reads one HTTP answer and gives the bytes of its body and the end of it.
func readAnswer(r *bufio.Reader, scratch []byte) (int, []byte, error) {
	length, chunked := -1, false
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, nil, err
		}
		if first && !bytes.Contains(line, []byte(" 200 ")) {
			return 0, nil, errors.New(string(line))
		}
		if len(line) <= 2 {
			break
		}
		lower := strings.ToLower(string(line))
		if strings.HasPrefix(lower, "content-length:") {
			length, _ = strconv.Atoi(strings.TrimSpace(lower[15:]))
		} else if strings.HasPrefix(lower, "transfer-encoding:") {
			chunked = true
		}
	}
	total, tail := 0, []byte{}
	take := func(n int) error {
		for n > 0 {
			step := min(n, len(scratch))
			if _, err := io.ReadFull(r, scratch[:step]); err != nil {
				return err
			}
			total += step
			tail = append(tail, scratch[:step]...)
			if len(tail) > 256 {
				tail = append(tail[:0], tail[len(tail)-128:]...)
			}
			n -= step
		}
		return nil
	}
	if !chunked {
		return total, tail, firstError(take(length), &total, length)
	}
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, nil, err
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(line)), 16, 64)
		if err != nil {
			return 0, nil, err
		}
		if err := take(int(n)); err != nil {
			return 0, nil, err
		}
		if _, err := r.Discard(2); err != nil {
			return 0, nil, err
		}
		if n == 0 {
			return total, tail, nil
		}
	}
}

func firstError(err error, total *int, length int) error {
	*total = length
	return err
}

type result struct {
	count     int
	latencies []time.Duration
	began     []time.Time
}

// calls makes one call after the other; each counts `weight`.
func calls(conn net.Conn, message []byte, weight int, minimum int, deadline time.Time) (result, error) {
	var out result
	reader, scratch := bufio.NewReaderSize(conn, 64<<10), make([]byte, 64<<10)
	for time.Now().Before(deadline) {
		began := time.Now()
		if _, err := conn.Write(message); err != nil {
			return out, err
		}
		total, tail, err := readAnswer(reader, scratch)
		if err != nil {
			return out, err
		}
		at := bytes.LastIndex(tail, okTrailer)
		if total < minimum || at < 0 || !bytes.HasPrefix(bytes.TrimLeft(tail[at+len(okTrailer):], " "), []byte("0")) {
			return out, fmt.Errorf("an answer of %d bytes ends with %q", total, tail)
		}
		out.count += weight
		out.latencies = append(out.latencies, time.Since(began))
		if *samples {
			out.began = append(out.began, began)
		}
		if *pace > 0 {
			time.Sleep(*pace)
		}
	}
	return out, nil
}

// pingPong opens a call on a WebSocket and sends a message as soon as the one before has come back.
func pingPong(conn net.Conn, deadline time.Time) (result, error) {
	var out result
	reader := bufio.NewReaderSize(conn, 64<<10)
	fmt.Fprintf(conn, "GET /test.v1.EchoService/Both HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: grpc-websockets\r\n\r\n", *address)
	for first := true; ; first = false {
		line, err := reader.ReadString('\n')
		if err != nil {
			return out, err
		}
		if first && !strings.Contains(line, " 101 ") {
			return out, errors.New(line)
		}
		if len(line) <= 2 {
			break
		}
	}
	masked(conn, []byte("content-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\n"))
	payload := append([]byte{0}, frame(make([]byte, *size))...)
	want := *size + 5
	got, opened := 0, false
	began := time.Now()
	masked(conn, payload)
	for {
		message, err := readFrame(reader)
		if err != nil {
			return out, err
		}
		if !opened && len(message) > 0 && message[0]&0x80 != 0 {
			opened = true
			continue
		}
		if got += len(message); got < want {
			continue
		}
		got -= want
		out.count++
		out.latencies = append(out.latencies, time.Since(began))
		if !time.Now().Before(deadline) {
			return out, nil
		}
		began = time.Now()
		masked(conn, payload)
	}
}

func masked(conn net.Conn, payload []byte) {
	head := []byte{0x82}
	if len(payload) < 126 {
		head = append(head, 0x80|byte(len(payload)))
	} else {
		head = append(head, 0x80|126, byte(len(payload)>>8), byte(len(payload)))
	}
	key := []byte{1, 2, 3, 4}
	out := append(head, key...)
	for at, one := range payload {
		out = append(out, one^key[at&3])
	}
	conn.Write(out)
}

func readFrame(r *bufio.Reader) ([]byte, error) {
	for {
		head := make([]byte, 2)
		if _, err := io.ReadFull(r, head); err != nil {
			return nil, err
		}
		length := int(head[1] & 0x7f)
		if length == 126 {
			more := make([]byte, 2)
			io.ReadFull(r, more)
			length = int(binary.BigEndian.Uint16(more))
		} else if length == 127 {
			more := make([]byte, 8)
			io.ReadFull(r, more)
			length = int(binary.BigEndian.Uint64(more))
		}
		payload := make([]byte, length)
		if _, err := io.ReadFull(r, payload); err != nil {
			return nil, err
		}
		if head[0]&0x0f <= 2 {
			return payload, nil
		}
		if head[0]&0x0f == 8 {
			return nil, fmt.Errorf("closed: %q", payload)
		}
	}
}

func main() {
	flag.Parse()
	open := make([]net.Conn, *conns)
	for at := range open {
		conn, err := net.Dial("tcp", *address)
		if err != nil {
			log.Fatal(err)
		}
		open[at] = conn
	}
	fmt.Println("ready")
	began := time.Now()
	deadline := began.Add(time.Duration(*seconds * float64(time.Second)))
	var group sync.WaitGroup
	var lock sync.Mutex
	var whole result
	failed := 0
	for _, conn := range open {
		group.Add(1)
		go func() {
			defer group.Done()
			var one result
			var err error
			switch *mode {
			case "unary":
				one, err = calls(conn, request(*path, make([]byte, *size)), 1, *size+10, deadline)
			case "stream":
				text := []byte(strconv.Itoa(*messages))
				one, err = calls(conn, request("/test.v1.EchoService/Many", text), *messages, *messages*105, deadline)
			case "ws":
				one, err = pingPong(conn, deadline)
			}
			lock.Lock()
			defer lock.Unlock()
			whole.count += one.count
			whole.latencies = append(whole.latencies, one.latencies...)
			whole.began = append(whole.began, one.began...)
			if err != nil {
				failed++
				fmt.Fprintln(os.Stderr, err)
			}
		}()
	}
	group.Wait()
	spent := time.Since(began).Seconds()
	each := make([][2]float64, len(whole.began))
	for at, began := range whole.began {
		each[at] = [2]float64{float64(began.UnixMicro()) / 1e6, float64(whole.latencies[at].Microseconds()) / 1e3}
	}
	sort.Slice(whole.latencies, func(a, b int) bool { return whole.latencies[a] < whole.latencies[b] })
	p99 := 0.0
	if count := len(whole.latencies); count > 0 {
		p99 = float64(whole.latencies[count*99/100].Microseconds()) / 1000
	}
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"count": whole.count, "seconds": spent, "per_s": float64(whole.count) / spent, "p99_ms": p99, "failed": failed,
		"samples": each,
	})
}
