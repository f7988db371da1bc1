package main

import "time"

// schedule keeps to the clock whatever the server does: each writer's n-th batch is due at a fixed time.
type schedule struct {
	writers  int
	begin    int64
	batches  beat
	presence beat
	unseen   int64 // nanoseconds from one to the next of who is not shown; 0: as any other
	cutAt    int64 // 0: never
	made     []int64
	lag      histogram
}

// beat is what all writers do in turn: the writers evenly over each period.
type beat struct {
	period float64 // nanoseconds
	count  int     // 0: never
	done   int
}

func newSchedule(o options) schedule {
	s := schedule{writers: o.writers}
	s.batches = newBeat(o.rate, o)
	s.presence = newBeat(o.presenceHz, o)
	if o.unseenHz > 0 {
		s.unseen = int64(float64(time.Second) / o.unseenHz)
	}
	s.made = make([]int64, s.batches.count)
	if o.storm {
		s.cutAt = int64(o.seconds * float64(time.Second) / 2)
	}
	return s
}

// start says when it begins.
func (s *schedule) start(begin int64) {
	s.begin = begin
	if s.cutAt != 0 {
		s.cutAt += begin
	}
}

// total is how many batches were made.
func (s *schedule) total() int64 {
	var total int64
	for _, made := range s.made {
		if made != 0 {
			total++
		}
	}
	return total
}

func newBeat(hertz float64, o options) beat {
	if hertz <= 0 {
		return beat{}
	}
	return beat{period: float64(time.Second) / hertz, count: o.writers * int(o.seconds*hertz)}
}

// next tells when the next is due, from the beginning.
func (b *beat) next(writers int) int64 {
	return int64(b.period * float64(b.done) / float64(writers))
}

// perWriter is how many batches each makes.
func (s *schedule) perWriter() int { return s.batches.count / max(1, s.writers) }

func (s *schedule) over() bool { return s.batches.done == s.batches.count }

// due does what is due.
func (s *schedule) due(l *loop) {
	if s.begin == 0 {
		return
	}
	now := l.now()
	for ; s.batches.done < s.batches.count; s.batches.done++ {
		due := s.begin + s.batches.next(s.writers)
		if due > now {
			break
		}
		s.batch(l, l.clients[s.batches.done%s.writers], due)
	}
	for ; s.presence.done < s.presence.count; s.presence.done++ {
		if s.begin+s.presence.next(s.writers) > now {
			break
		}
		c := l.clients[s.presence.done%s.writers]
		if seldom := c.unseen && s.unseen > 0 && now < c.saidAt+s.unseen; c.ready && !c.gone && !seldom {
			c.saidAt = now
			l.after(c, l.dialect.presence(c))
		}
	}
	if s.cutAt != 0 && now >= s.cutAt {
		s.cutAt = 0
		l.cutAll(l.clients[s.writers:])
	}
}

// batch has a writer make its next batch, from now on to be seen by everybody.
func (s *schedule) batch(l *loop, c *client, due int64) {
	if c.gone {
		return
	}
	now := l.now()
	s.lag.add(now - due)
	c.made++
	s.made[c.index*s.perWriter()+int(c.made)-1] = now
	l.after(c, l.dialect.send(c))
}
