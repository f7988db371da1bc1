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
	"runtime/debug"
	"slices"
	"time"

	"golang.org/x/sys/unix"
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
	unseenHz   float64
	delivery   int
	full       int
	storm      bool
	deflate    bool
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
	flag.Float64Var(&o.unseenHz, "unseen", 0, "of one who is not among those that are shown, as the page does; 0: as many")
	flag.IntVar(&o.delivery, "delivery", 1, "1 full, 2 merged, 3 auto")
	flag.IntVar(&o.full, "full", 0, "with another delivery: so many readers are full all the same")
	flag.BoolVar(&o.storm, "storm", false, "in the middle of it all readers lose their connection at once, and come back")
	flag.BoolVar(&o.deflate, "deflate", false, "the server may pack its messages, as browsers offer it")
	flag.Int64Var(&o.project, "project", 1, "project_id, of rooms")
	flag.StringVar(&o.rooms, "rooms", "", "file with a room's id a line; the clients take turns")
	flag.Parse()
	debug.SetGCPercent(400) // what was received is kept: there is little to find
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

// spent is the processor time of this process until now.
func spent() (user, system float64) {
	var usage unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Nano()) / 1e9, float64(usage.Stime.Nano()) / 1e9
}

func run(o options) (map[string]any, error) {
	lines, err := readLines(o.sessions)
	if err != nil {
		return nil, err
	}
	ids, err := readLines(o.rooms)
	if err != nil {
		return nil, err
	}
	clients := make([]*client, o.writers+o.readers)
	for i := range clients {
		session := ""
		if len(lines) > 0 {
			session = lines[min(i, len(lines)-1)]
		}
		clients[i] = newClient(o, i, session)
	}
	plan := newSchedule(o)
	l, err := newLoop(newDialect(o, plan.perWriter(), clients, ids), clients)
	if err != nil {
		return nil, err
	}
	l.schedule, l.parts, l.cutsAnywhere = plan, max(1, len(ids)), o.mode != "centrifuge"
	if err := l.connectAll(2 * time.Minute); err != nil {
		return nil, err
	}
	fmt.Println("connected")
	return l.measure(o), nil
}

func newDialect(o options, perWriter int, clients []*client, ids []string) dialect {
	switch o.mode {
	case "rooms":
		return &rooms{o, perWriter, ids}
	case "rushes":
		return newRushes(o, perWriter, clients)
	}
	return newCentrifuge(o, perWriter)
}

// measure has them write, and waits until every client has everything, or for so long.
func (l *loop) measure(o options) map[string]any {
	user, system := spent()
	l.schedule.start(l.now() + int64(200*time.Millisecond))
	l.until(time.Hour, l.schedule.over)
	made := l.schedule.total()
	want := made / int64(l.parts)
	next := int64(0)
	l.until(time.Duration(o.settle*float64(time.Second)), func() bool {
		now := l.now()
		if now < next {
			return false
		}
		next = now + int64(20*time.Millisecond)
		return !slices.ContainsFunc(l.clients, func(c *client) bool { return c.lacks(want) > 0 })
	})
	userThen, systemThen := spent()
	for _, c := range l.clients {
		c.close()
	}
	result := l.result(o, made)
	result["generator_cpu_s"], result["generator_system_s"] = userThen-user+systemThen-system, systemThen-system
	return result
}

func (l *loop) result(o options, made int64) map[string]any {
	a := account{made: l.schedule.made, perWriter: l.schedule.perWriter(), begin: l.schedule.begin,
		countFrom: l.schedule.begin + int64(o.warmup*float64(time.Second)), order: make([][]uint32, l.parts)}
	for _, c := range l.clients {
		a.client(c.index%l.parts, c.deliveries, made/int64(l.parts))
	}
	n, lag := &l.count, &l.schedule.lag
	return map[string]any{
		"mode": o.mode, "writers": o.writers, "readers": o.readers, "batches": made, "operations": made * int64(o.batch),
		"deliveries": a.deliveries, "missing": a.missing, "duplicated": a.duplicated, "disorder": a.disorder,
		"clashes": a.clashes, "errors": n.errors, "error": n.firstErr, "refused": n.refused, "resent": n.resent,
		"merged_frames": n.merged, "presence": n.presence, "frames": n.frames, "bytes": n.bytes, "distinct_frames": l.cache.distinct,
		"line_ms": a.line(), "p50_ms": a.latency.ms(0.5), "p99_ms": a.latency.ms(0.99), "max_ms": a.latency.ms(1),
		"lag_p99_ms": lag.ms(0.99), "unread_p99_ms": l.unread.ms(0.99),
		"back": l.back.total(), "back_p50_ms": l.back.ms(0.5), "back_p99_ms": l.back.ms(0.99), "back_max_ms": l.back.ms(1),
		"ops_s": float64(made*int64(o.batch)) / o.seconds,
	}
}
