package main

const (
	windowNs   = 250_000_000
	maxWindows = 1000
)

// account is made after the run of what every client received: nothing of it is reckoned while it runs.
type account struct {
	made      []int64 // by batch: when, 0: never
	perWriter int
	countFrom int64 // earlier batches do not count for latency

	latency    histogram
	windows    []histogram // the same by when it was made, in windows of windowNs from the beginning
	begin      int64
	deliveries int64
	missing    int64
	duplicated int64
	disorder   int64
	clashes    int64
	order      [][]uint32 // by room and revision: which batch it is, and 1
}

// received is where a client has come to in its account.
type received struct {
	next     []int64 // by writer: the last number
	count    int64
	revision int64
	merges   bool
}

// client takes what a client of a room received, where so much was made.
func (a *account) client(room int, deliveries []delivery, want int64) {
	at := received{next: make([]int64, len(a.made)/max(1, a.perWriter))}
	for _, each := range deliveries {
		for _, event := range each.frame.events {
			switch {
			case event.batch == upTo:
				at.merges, at.revision = true, int64(event.revision)
			case event.revision == 0:
				a.shown(&at, event.batch, each.at)
			default:
				a.arrived(&at, event, each.at)
			}
		}
		if !each.frame.checked {
			each.frame.checked = true
			a.check(&a.order[room], each.frame.events)
		}
	}
	a.deliveries += at.count
	if at.merges {
		a.missing += max(0, want-at.revision)
	} else {
		a.missing += want - at.count
	}
}

// arrived takes a batch that a client received as a revision.
func (a *account) arrived(at *received, event event, now int64) {
	writer, number := int(event.batch)/a.perWriter, int64(event.batch)%int64(a.perWriter)+1
	want := at.next[writer] + 1
	if int64(event.revision) <= at.revision || number < want {
		a.duplicated++ // overlap of a resume would be legal, but it is not needed here
		return
	}
	if number > want {
		a.disorder++
	}
	at.revision = int64(event.revision)
	a.has(at, writer, number, now)
}

// shown takes an annotation's state, with others merged into one frame.
func (a *account) shown(at *received, batch uint32, now int64) {
	writer, number := int(batch)/a.perWriter, int64(batch)%int64(a.perWriter)+1
	if number > at.next[writer] { // otherwise its state again
		a.has(at, writer, number, now)
	}
}

func (a *account) has(at *received, writer int, number, now int64) {
	at.next[writer] = number
	at.count++
	made := a.made[writer*a.perWriter+int(number)-1]
	if made >= a.countFrom {
		a.latency.add(now - made)
	}
	if window := int((made - a.begin) / windowNs); window >= 0 && window < maxWindows {
		for len(a.windows) <= window {
			a.windows = append(a.windows, histogram{})
		}
		a.windows[window].add(now - made)
	}
}

// check compares what each revision is with what others were told it is.
func (a *account) check(order *[]uint32, events []event) {
	for _, event := range events {
		if event.revision == 0 || event.batch == upTo {
			continue
		}
		for int(event.revision) >= len(*order) {
			*order = append(*order, 0)
		}
		switch told := &(*order)[event.revision]; *told {
		case 0:
			*told = event.batch + 1
		case event.batch + 1:
		default:
			a.clashes++
		}
	}
}

// line is p50 and p99 of each window, in milliseconds: in which moments of a run people waited.
func (a *account) line() [][2]float64 {
	line := make([][2]float64, 0, len(a.windows))
	for i := range a.windows {
		line = append(line, [2]float64{a.windows[i].ms(0.5), a.windows[i].ms(0.99)})
	}
	return line
}
