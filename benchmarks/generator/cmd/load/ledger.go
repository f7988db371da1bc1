package main

import (
	"fmt"
	"math/bits"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// ledger knows when each batch was made and what each client has received.
type ledger struct {
	origin    time.Time
	countFrom time.Time
	stopped   atomic.Bool

	mutex    sync.RWMutex
	made     [][]int64 // by writer, by number - 1: nanoseconds since origin
	order    []uint64  // by revision - first: which batch it is
	first    int64
	parts    int64 // each client is in one of so many rooms, and is sent what is made there, as much in each
	clash    atomic.Int64
	seen     []perClient
	latency  *histogram
	lag      *histogram
	back     histogram // from the cut to being opened again
	cutAt    time.Time
	errors   atomic.Int64
	refused  atomic.Int64
	merged   atomic.Int64
	resent   atomic.Int64
	presence atomic.Int64
	bytes    atomic.Int64
	frames   atomic.Int64
	oneErr   atomic.Value
	ownCPU   time.Duration
}

// perClient is touched by its reader alone, but for the counters.
type perClient struct {
	received   atomic.Int64
	merges     atomic.Bool // was sent merged states: what it received is then told by its revision
	revisionAt atomic.Int64
	duplicated int64
	disorder   int64
	next       []int64 // by writer: number expected next
	revision   int64
}

func newLedger(clients, writers int) *ledger {
	book := &ledger{origin: time.Now(), made: make([][]int64, writers), parts: 1, seen: make([]perClient, clients),
		latency: &histogram{}, lag: &histogram{}}
	for i := range book.seen {
		book.seen[i].next = make([]int64, writers)
	}
	return book
}

func (book *ledger) now() int64 { return int64(time.Since(book.origin)) }

// make records that a writer's next batch is made now and gives its number, from 1.
func (book *ledger) make(writer int) uint64 {
	book.mutex.Lock()
	defer book.mutex.Unlock()
	book.made[writer] = append(book.made[writer], book.now())
	return uint64(len(book.made[writer]))
}

func (book *ledger) total() int64 {
	book.mutex.RLock()
	defer book.mutex.RUnlock()
	var n int64
	for _, made := range book.made {
		n += int64(len(made))
	}
	return n
}

// arrived records that a client received a batch as a revision (0: the server numbers nothing).
func (book *ledger) arrived(client, writer int, number uint64, revision, now int64) {
	mine := &book.seen[client]
	if revision != 0 && revision <= mine.revision {
		mine.duplicated++ // overlap of a resume would be legal, but nobody resumes here
		return
	}
	switch want := mine.next[writer] + 1; {
	case int64(number) < want:
		mine.duplicated++
		return
	case int64(number) > want:
		mine.disorder++
	}
	mine.next[writer] = int64(number)
	mine.revision = revision
	mine.revisionAt.Store(revision)
	mine.received.Add(1)
	book.mutex.RLock()
	made := book.made[writer][number-1]
	book.mutex.RUnlock()
	if book.countFrom.IsZero() || made < int64(book.countFrom.Sub(book.origin)) {
		return
	}
	book.latency.add(now - made)
}

// shown records that a client received an annotation's state, with others merged into one frame.
func (book *ledger) shown(client, writer int, number uint64, now int64) {
	mine := &book.seen[client]
	if int64(number) <= mine.next[writer] {
		return // its state again
	}
	mine.next[writer] = int64(number)
	mine.received.Add(1)
	book.mutex.RLock()
	made := book.made[writer][number-1]
	book.mutex.RUnlock()
	if book.countFrom.IsZero() || made < int64(book.countFrom.Sub(book.origin)) {
		return
	}
	book.latency.add(now - made)
}

// reached records that a client has everything up to a revision, merged.
func (book *ledger) reached(client int, revision int64) {
	book.seen[client].merges.Store(true)
	book.seen[client].revision = revision
	book.seen[client].revisionAt.Store(revision)
}

// lacks tells how many batches a client has not received. Each batch is one revision of a new document.
func (book *ledger) lacks(client int, want int64) int64 {
	mine := &book.seen[client]
	if mine.merges.Load() {
		return max(0, want-mine.revisionAt.Load())
	}
	return want - mine.received.Load()
}

// check compares what one revision is with what other clients were told it is.
func (book *ledger) check(writer int, number uint64, revision int64) {
	id := uint64(writer)<<32 | number
	book.mutex.Lock()
	defer book.mutex.Unlock()
	if book.order == nil {
		book.first = revision
	}
	at := revision - book.first
	if at < 0 {
		return
	}
	for int64(len(book.order)) <= at {
		book.order = append(book.order, 0)
	}
	if book.order[at] == 0 {
		book.order[at] = id
	} else if book.order[at] != id {
		book.clash.Add(1)
	}
}

func (book *ledger) lagged(d time.Duration) { book.lag.add(int64(d)) }

func (book *ledger) failed(err error) {
	if book.stopped.Load() {
		return
	}
	if book.errors.Add(1) == 1 {
		book.oneErr.Store(err.Error())
	}
}

func (book *ledger) cpuMark() {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	book.ownCPU = time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// settle waits until every client has everything, or for so long.
func (book *ledger) settle(longest time.Duration) {
	want := book.total() / book.parts
	for end := time.Now().Add(longest); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		done := true
		for i := range book.seen {
			done = done && book.lacks(i, want) <= 0
		}
		if done {
			return
		}
	}
}

func (book *ledger) result(o options) map[string]any {
	want := book.total()
	each := want / book.parts
	var deliveries, missing, duplicated, disorder int64
	for i := range book.seen {
		deliveries += book.seen[i].received.Load()
		missing += book.lacks(i, each)
		duplicated += book.seen[i].duplicated
		disorder += book.seen[i].disorder
	}
	one, _ := book.oneErr.Load().(string)
	return map[string]any{
		"mode": o.mode, "writers": o.writers, "readers": o.readers, "batches": want, "operations": want * int64(o.batch),
		"deliveries": deliveries, "missing": missing, "duplicated": duplicated, "disorder": disorder,
		"clashes": book.clash.Load(), "errors": book.errors.Load(), "error": one, "refused": book.refused.Load(), "resent": book.resent.Load(),
		"merged_frames": book.merged.Load(), "presence": book.presence.Load(), "frames": book.frames.Load(), "bytes": book.bytes.Load(),
		"p50_ms": book.latency.ms(0.5), "p99_ms": book.latency.ms(0.99), "max_ms": book.latency.ms(1),
		"lag_p99_ms": book.lag.ms(0.99), "generator_cpu_s": book.ownCPU.Seconds(),
		"back": book.back.total(), "back_p50_ms": book.back.ms(0.5), "back_p99_ms": book.back.ms(0.99), "back_max_ms": book.back.ms(1),
		"ops_s": float64(want*int64(o.batch)) / o.seconds,
	}
}

// histogram of nanoseconds with 32 steps to each power of two (3 % wide).
type histogram struct{ counts [64 * 32]atomic.Int64 }

func (h *histogram) add(ns int64) {
	h.counts[bucket(max(ns, 0))].Add(1)
}

func bucket(ns int64) int {
	if ns < 32 {
		return int(ns)
	}
	shift := bits.Len64(uint64(ns)) - 6
	return (shift+1)*32 + int(ns>>shift) - 32
}

func lower(index int) float64 {
	if index < 32 {
		return float64(index)
	}
	shift := index/32 - 1
	return float64(int64(index%32+32) << shift)
}

func (h *histogram) total() int64 {
	var total int64
	for i := range h.counts {
		total += h.counts[i].Load()
	}
	return total
}

func (h *histogram) ms(quantile float64) float64 {
	total := h.total()
	if total == 0 {
		return -1
	}
	rank := int64(quantile*float64(total-1)) + 1
	for i := range h.counts {
		if rank -= h.counts[i].Load(); rank <= 0 {
			return lower(i+1) / 1e6
		}
	}
	panic(fmt.Sprint("rank past the end"))
}
