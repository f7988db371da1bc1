// Load for forwarders of live media: one publisher of VP8 packets, many subscribers, in one process. It prints what it
// measured as JSON, and asks its parent, line by line, for what signalling of Rushes would do.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pion/rtp"
)

var (
	kind        = flag.String("kind", "rushes", "rushes, livekit, janus, or review: many who publish and watch each other")
	url         = flag.String("url", "", "of LiveKit or Janus")
	key         = flag.String("key", "", "of LiveKit")
	secret      = flag.String("secret", "", "of LiveKit")
	subscribers = flag.Int("subscribers", 30, "how many watch")
	rate        = flag.Int("rate", 300, "packets a second")
	burst       = flag.Int("burst", 10, "packets of a picture")
	paced       = flag.Bool("paced", false, "packets at even distances, not a picture's at once")
	size        = flag.Int("size", 1100, "bytes of a packet's payload")
	seconds     = flag.Int("seconds", 10, "how long it is measured")
	publishers  = flag.Int("publishers", 10, "how many of a review publish")
	wide        = flag.Bool("wide", true, "watchers of ours tell when each packet arrived")
)

const (
	descriptor   = 6 // of VP8, with a picture id of 15 bits and a layer index
	picturesASec = 30
	late         = 3 * time.Second
)

// Tally is what one subscriber received.
type Tally struct {
	mutex     sync.Mutex
	received  int
	bytes     int
	latencies []time.Duration
	first     atomic.Bool
}

// Take counts a packet.
func (tally *Tally) Take(payload []byte, measuring bool) {
	tally.first.Store(true)
	if !measuring || len(payload) < 8 {
		return
	}
	sent := int64(binary.BigEndian.Uint64(payload[len(payload)-8:]))
	passed := time.Duration(time.Now().UnixNano() - sent)
	tally.mutex.Lock()
	tally.received++
	tally.bytes += len(payload)
	tally.latencies = append(tally.latencies, passed)
	tally.mutex.Unlock()
}

// Writer takes the packets of the publisher.
type Writer interface {
	WriteRTP(packet *rtp.Packet) error
}

// Source makes the packets of pictures.
type Source struct {
	sequence  uint16
	timestamp uint32
	picture   uint16
	count     int
}

// Next is the next packet, whose last eight bytes say when it was made.
func (source *Source) Next() *rtp.Packet {
	at := source.count % *burst
	payload := make([]byte, *size)
	payload[0] = 0x80 // X
	if at == 0 {
		payload[0] |= 0x10 // S
	}
	payload[1] = 0xe0 // I, L, T
	binary.BigEndian.PutUint16(payload[2:], 0x8000|source.picture&0x7fff)
	payload[4] = byte(source.picture)
	payload[5] = 0
	if at == 0 {
		if source.picture%picturesASec == 0 {
			copy(payload[descriptor:], []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02})
		} else {
			payload[descriptor] = 0x11
		}
	}
	binary.BigEndian.PutUint64(payload[len(payload)-8:], uint64(time.Now().UnixNano()))
	packet := &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: source.sequence, Timestamp: source.timestamp, Marker: at == *burst-1}, Payload: payload}
	source.sequence++
	source.count++
	if at == *burst-1 {
		source.picture++
		source.timestamp += 90000 / picturesASec
	}
	return packet
}

// Publish writes packets until it is told to stop; it gives how many, of those that count.
func publish(writer Writer, measuring *atomic.Bool, stop <-chan struct{}) <-chan int {
	done := make(chan int, 1)
	go func() {
		source, sent := &Source{}, 0
		step, many := time.Second*time.Duration(*burst)/time.Duration(*rate), *burst
		if *paced {
			step, many = time.Second/time.Duration(*rate), 1
		}
		begun := time.Now()
		for turn := 0; ; turn++ {
			select {
			case <-stop:
				done <- sent
				return
			default:
			}
			time.Sleep(time.Until(begun.Add(time.Duration(turn) * step)))
			for range many {
				counted := measuring.Load()
				if err := writer.WriteRTP(source.Next()); err != nil {
					log.Fatal(err)
				}
				if counted {
					sent++
				}
			}
		}
	}()
	return done
}

// Parent does what signalling would.
type Parent struct {
	mutex  sync.Mutex
	answer *bufio.Scanner
}

// Ask sends a question and gives the answer.
func (parent *Parent) Ask(question map[string]any) map[string]string {
	parent.mutex.Lock()
	defer parent.mutex.Unlock()
	line, err := json.Marshal(question)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(line))
	if !parent.answer.Scan() {
		log.Fatal("the parent is gone")
	}
	answer := map[string]string{}
	if err := json.Unmarshal(parent.answer.Bytes(), &answer); err != nil {
		log.Fatal(err)
	}
	return answer
}

func main() {
	flag.Parse()
	scanner := bufio.NewScanner(os.Stdin)
	scanner.Buffer(nil, 1<<20)
	parent := &Parent{answer: scanner}
	if *kind == "review" {
		review(parent)
	}
	tallies := make([]*Tally, *subscribers)
	for at := range tallies {
		tallies[at] = &Tally{}
	}
	var measuring atomic.Bool
	stop := make(chan struct{})
	var sent <-chan int
	switch *kind {
	case "livekit":
		sent = livekitServer(tallies, &measuring, stop)
	case "janus":
		sent = janusServer(tallies, &measuring, stop)
	default:
		sent = rushes(parent, tallies, &measuring, stop)
	}
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		seen := 0
		for _, tally := range tallies {
			if tally.first.Load() {
				seen++
			}
		}
		if seen == len(tallies) {
			break
		}
		if time.Now().After(deadline) {
			log.Fatalf("%d of %d see something", seen, len(tallies))
		}
	}
	time.Sleep(time.Second)
	parent.Ask(map[string]any{"do": "begin"})
	before := own()
	measuring.Store(true)
	time.Sleep(time.Duration(*seconds) * time.Second)
	spent := own() - before
	close(stop)
	count := <-sent
	parent.Ask(map[string]any{"do": "end"})
	time.Sleep(500 * time.Millisecond)
	report(tallies, count, spent)
}

func report(tallies []*Tally, sent int, spent time.Duration) {
	received, bytes := 0, 0
	latencies := []time.Duration{}
	for _, tally := range tallies {
		tally.mutex.Lock()
		received += tally.received
		bytes += tally.bytes
		latencies = append(latencies, tally.latencies...)
		tally.mutex.Unlock()
	}
	slices.Sort(latencies)
	at := func(share float64) float64 {
		if len(latencies) == 0 {
			return -1
		}
		return float64(latencies[int(share*float64(len(latencies)-1))].Microseconds()) / 1000
	}
	line, _ := json.Marshal(map[string]any{
		"sent": sent, "received": received, "lost": max(0, sent*len(tallies)-received), "bytes": bytes,
		"p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": at(1), "generator_cpu_s": spent.Seconds(),
	})
	fmt.Println(string(line))
	os.Exit(0)
}

func own() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
