package main

import (
	"fmt"
	"math/bits"
)

// histogram of nanoseconds with 32 steps to each power of two (3 % wide).
type histogram struct{ counts [64 * 32]int64 }

func (h *histogram) add(ns int64) {
	h.counts[bucket(max(ns, 0))]++
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
	for _, count := range h.counts {
		total += count
	}
	return total
}

func (h *histogram) ms(quantile float64) float64 {
	total := h.total()
	if total == 0 {
		return -1
	}
	rank := int64(quantile*float64(total-1)) + 1
	for i, count := range h.counts {
		if rank -= count; rank <= 0 {
			return lower(i+1) / 1e6
		}
	}
	panic(fmt.Sprint("rank past the end"))
}
