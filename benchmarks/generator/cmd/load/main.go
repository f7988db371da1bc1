// Command load drives many clients of one channel, open-loop, and prints one JSON line of what every client received:
// latency from the moment an operation is made to its arrival at each client, what is missing or came twice, whether all
// saw one order, and its own lag.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sync"
	"time"
)

// Options of a run.
type options struct {
	mode       string
	url        string
	sessions   string
	video      int64
	writers    int
	readers    int
	rate       float64
	batch      int
	points     int
	seconds    float64
	warmup     float64
	settle     float64
	presenceHz float64
	delivery   int
	full       int
	storm      bool
	project    int64
	rooms      string
}

func main() {
	var o options
	flag.StringVar(&o.mode, "mode", "rushes", "rushes, centrifuge or rooms")
	flag.StringVar(&o.url, "url", "ws://127.0.0.1:8080", "address of the server; of several, with commas between, the clients take turns")
	flag.StringVar(&o.sessions, "sessions", "", "file with a session secret a line; writers take one each, readers the last")
	flag.Int64Var(&o.video, "video", 1, "video_id")
	flag.IntVar(&o.writers, "writers", 200, "clients that write")
	flag.IntVar(&o.readers, "readers", 300, "clients that only read")
	flag.Float64Var(&o.rate, "rate", 5, "batches a second of each writer")
	flag.IntVar(&o.batch, "batch", 1, "operations in a batch")
	flag.IntVar(&o.points, "points", 20, "points of a stroke")
	flag.Float64Var(&o.seconds, "seconds", 10, "how long they write")
	flag.Float64Var(&o.warmup, "warmup", 2, "seconds at the beginning that do not count for latency")
	flag.Float64Var(&o.settle, "settle", 10, "longest wait for what is still under way")
	flag.Float64Var(&o.presenceHz, "presence", 4, "presence messages a second of each writer")
	flag.IntVar(&o.delivery, "delivery", 1, "1 full, 2 merged, 3 auto")
	flag.IntVar(&o.full, "full", 0, "with another delivery: so many readers are full all the same")
	flag.BoolVar(&o.storm, "storm", false, "in the middle of it all readers lose their connection at once, and come back")
	flag.Int64Var(&o.project, "project", 1, "project_id, of rooms")
	flag.StringVar(&o.rooms, "rooms", "", "file with a room's id a line; the clients take turns")
	flag.Parse()
	result, err := run(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode(result)
}

func readLines(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var lines []string
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		lines = append(lines, scanner.Text())
	}
	return lines, nil
}

// A client of either server.
type client interface {
	connect() error
	// send makes one batch; the time it was made is the ledger's.
	send() error
	presence() error
	// read receives until the connection ends.
	read() error
	close()
}

func run(o options) (map[string]any, error) {
	lines, err := readLines(o.sessions)
	if err != nil {
		return nil, err
	}
	rooms, err := readLines(o.rooms)
	if err != nil {
		return nil, err
	}
	total := o.writers + o.readers
	book := newLedger(total, o.writers)
	book.parts = int64(max(1, len(rooms)))
	clients := make([]client, total)
	for i := range clients {
		session := ""
		if len(lines) > 0 {
			session = lines[min(i, len(lines)-1)]
		}
		full := o.delivery == 1 || (i >= o.writers && i < o.writers+o.full)
		if o.mode == "rooms" {
			clients[i] = newRoomClient(o, i, session, rooms, book)
		} else if o.mode == "rushes" {
			clients[i] = newRushes(o, i, session, full, book)
		} else {
			clients[i] = newCentrifuge(o, i, book)
		}
	}
	if err := connectAll(clients); err != nil {
		return nil, err
	}
	fmt.Println("connected")
	var reading sync.WaitGroup
	for _, c := range clients {
		reading.Add(1)
		go func() {
			defer reading.Done()
			if err := c.read(); err != nil {
				book.failed(err)
			}
		}()
	}
	if o.storm {
		time.AfterFunc(time.Duration(o.seconds*float64(time.Second)/2), func() { cutAll(clients[o.writers:], book) })
	}
	writeAll(o, clients, book)
	book.settle(time.Duration(o.settle * float64(time.Second)))
	book.stopped.Store(true)
	for _, c := range clients {
		c.close()
	}
	reading.Wait()
	return book.result(o), nil
}

func connectAll(clients []client) error {
	slots := make(chan struct{}, 50)
	errs := make(chan error, len(clients))
	for _, c := range clients {
		go func() {
			slots <- struct{}{}
			errs <- c.connect()
			<-slots
		}()
	}
	for range clients {
		if err := <-errs; err != nil {
			return err
		}
	}
	return nil
}

// cutAll breaks the connections of all these in one moment.
func cutAll(clients []client, book *ledger) {
	book.cutAt = time.Now()
	for _, each := range clients {
		if c, ok := each.(*rushes); ok {
			c.cut.Store(true)
			c.close()
		}
	}
}

// writeAll keeps to the clock whatever the server does: each writer's n-th batch is due at a fixed time.
func writeAll(o options, clients []client, book *ledger) {
	start := time.Now().Add(200 * time.Millisecond)
	book.countFrom = start.Add(time.Duration(o.warmup * float64(time.Second)))
	period := time.Duration(float64(time.Second) / o.rate)
	count := int(o.seconds * o.rate)
	var writing sync.WaitGroup
	for i := range o.writers {
		writing.Add(1)
		go func() {
			defer writing.Done()
			offset := period * time.Duration(i) / time.Duration(o.writers)
			for n := range count {
				due := start.Add(offset + period*time.Duration(n))
				time.Sleep(time.Until(due))
				book.lagged(time.Since(due))
				if err := clients[i].send(); err != nil {
					book.failed(err)
					return
				}
			}
		}()
		if o.presenceHz > 0 {
			go presenceLoop(o, clients[i], i, start, book)
		}
	}
	writing.Wait()
	book.cpuMark()
}

func presenceLoop(o options, c client, i int, start time.Time, book *ledger) {
	period := time.Duration(float64(time.Second) / o.presenceHz)
	time.Sleep(time.Until(start) + period*time.Duration(i)/time.Duration(o.writers))
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	end := time.After(time.Duration(o.seconds * float64(time.Second)))
	for {
		select {
		case <-end:
			return
		case <-ticker.C:
			if book.stopped.Load() || c.presence() != nil {
				return
			}
		}
	}
}
