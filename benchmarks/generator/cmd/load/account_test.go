package main

import (
	"bytes"
	"compress/flate"
	"strings"
	"testing"
)

// told is what a client received: frames of one event each, a nanosecond apart.
func told(events ...event) []delivery {
	var deliveries []delivery
	for i, each := range events {
		deliveries = append(deliveries, delivery{&frame{events: []event{each}}, int64(10 + i)})
	}
	return deliveries
}

// settled is the account of two writers with two batches each, of these clients.
func settled(clients ...[]delivery) account {
	a := account{made: []int64{1, 2, 3, 4}, perWriter: 2, order: make([][]uint32, 1)}
	for _, each := range clients {
		a.client(0, each, 4)
	}
	return a
}

var all = []event{{0, 1}, {2, 2}, {1, 3}, {3, 4}}

func TestWhoReceivedEverythingOnceAndInOrderIsWithoutFault(t *testing.T) {
	a := settled(told(all...), told(all...))
	if a.deliveries != 8 || a.missing+a.duplicated+a.disorder+a.clashes != 0 || a.latency.total() != 8 {
		t.Errorf("%+v", a)
	}
}

func TestWhatDidNotComeIsMissing(t *testing.T) {
	if a := settled(told(all[:3]...)); a.missing != 1 {
		t.Errorf("missing %d", a.missing)
	}
}

func TestWhatCameAgainCameTwiceAndMakesUpForNothing(t *testing.T) {
	if a := settled(told(all[0], all[1], all[1], all[2])); a.duplicated != 1 || a.missing != 1 {
		t.Errorf("twice %d, missing %d", a.duplicated, a.missing)
	}
}

func TestAWritersBatchThatOvertookAnotherIsOutOfOrder(t *testing.T) {
	if a := settled(told(event{1, 1}, event{2, 2}, event{3, 3})); a.disorder != 1 {
		t.Errorf("disorder %d", a.disorder)
	}
}

func TestTwoWhoWereToldDifferentThingsOfARevisionClash(t *testing.T) {
	other := told(event{2, 1}, event{0, 2}, event{1, 3}, event{3, 4})
	if a := settled(told(all...), other); a.clashes != 2 || a.missing != 0 {
		t.Errorf("clashes %d, missing %d", a.clashes, a.missing)
	}
}

func TestOfMergedStatesTheRevisionTellsWhatIsMissing(t *testing.T) {
	if a := settled(told(event{0, 1}, event{3, 0}, event{upTo, 3})); a.missing != 1 || a.deliveries != 2 {
		t.Errorf("missing %d, deliveries %d", a.missing, a.deliveries)
	}
}

func TestABatchOfTheWarmUpDoesNotCountForLatency(t *testing.T) {
	a := account{made: []int64{1, 2, 3, 4}, perWriter: 2, countFrom: 3, order: make([][]uint32, 1)}
	a.client(0, told(all...), 4)
	if a.latency.total() != 2 {
		t.Errorf("%d", a.latency.total())
	}
}

func TestTheSameBytesAreDecodedOnceAndOtherBytesAreNotTakenForThem(t *testing.T) {
	c := newCache(func([]byte) (*frame, error) { return &frame{}, nil })
	payload := bytes.Repeat([]byte("rushes"), 100)
	other := bytes.Clone(payload)
	other[300]++ // neither in its head nor in its tail
	first, _ := c.get(payload, false)
	again, _ := c.get(bytes.Clone(payload), false)
	different, _ := c.get(other, false)
	if first != again || first == different || c.distinct != 2 {
		t.Errorf("%p %p %p, %d decoded", first, again, different, c.distinct)
	}
}

func TestPackedMessagesAreUnpackedOneAfterTheOther(t *testing.T) {
	var seen []string
	c := newCache(func(whole []byte) (*frame, error) {
		seen = append(seen, string(whole))
		return &frame{}, nil
	})
	for _, said := range []string{strings.Repeat("rushes", 1000), "short"} {
		var packed bytes.Buffer
		squeeze, _ := flate.NewWriter(&packed, 1)
		_, _ = squeeze.Write([]byte(said))
		_ = squeeze.Flush()
		if _, err := c.read(bytes.TrimSuffix(packed.Bytes(), []byte("\x00\x00\xff\xff")), true); err != nil {
			t.Fatal(err)
		}
		if seen[len(seen)-1] != said {
			t.Errorf("%d bytes of %d", len(seen[len(seen)-1]), len(said))
		}
	}
	if _, err := c.read([]byte("neither packed nor whole"), true); err == nil {
		t.Error("no error")
	}
}

func TestTheCacheForgetsTheOldestFrames(t *testing.T) {
	c := newCache(func([]byte) (*frame, error) { return &frame{}, nil })
	for i := range keptFrames + 10 {
		payload := bytes.Repeat([]byte{byte(i), byte(i >> 8)}, 50)
		if _, err := c.get(payload, false); err != nil {
			t.Fatal(err)
		}
	}
	if c.count != keptFrames || len(c.byKey) != keptFrames || c.bytes != keptFrames*100 {
		t.Errorf("%d frames, %d keys, %d bytes", c.count, len(c.byKey), c.bytes)
	}
}

func TestAFrameIsCutOnlyWhereItIsWhole(t *testing.T) {
	for _, size := range []int{0, 125, 126, 70_000} {
		var whole []byte
		switch {
		case size < 126:
			whole = []byte{0x82, byte(size)}
		case size < 1<<16:
			whole = []byte{0x82, 126, byte(size >> 8), byte(size)}
		default:
			whole = []byte{0x82, 127, 0, 0, 0, 0, 0, byte(size >> 16), byte(size >> 8), byte(size)}
		}
		whole = append(whole, make([]byte, size)...)
		_, payload, rest, err := cut(append(bytes.Clone(whole), 0x82))
		if err != nil || payload == nil || len(payload) != size || len(rest) != 1 {
			t.Errorf("%d: %d bytes and %d more, %v", size, len(payload), len(rest), err)
		}
		if _, payload, _, _ := cut(whole[:len(whole)-1]); payload != nil {
			t.Errorf("%d: cut before it was whole", size)
		}
	}
}
