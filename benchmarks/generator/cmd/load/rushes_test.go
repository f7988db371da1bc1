package main

import "testing"

func TestANumberMeansWhoWasNamedAndNobodyElse(t *testing.T) {
	ann := &client{index: 0, id: [16]byte{1}}
	bob := &client{index: 1, id: [16]byte{2}}
	r := newRushes(options{writers: 2}, 10, []*client{ann, bob})
	committed := func(parts ...[]byte) []byte {
		var body []byte
		for _, part := range parts {
			body = append(body, part...)
		}
		return field(nil, 3, body)
	}
	named := field(nil, 2, field(number(nil, 1, 7), 3, bob.id[:]))
	brief := field(nil, 1, number(number(number(nil, 1, 8), 4, 3), 8, 7))
	whole := field(nil, 1, number(field(number(nil, 1, 9), 3, ann.id[:]), 4, 2))
	f := &frame{}
	if err := r.message(committed(brief), f); err == nil {
		t.Error("nobody was told who 7 is")
	}
	if err := r.message(committed(named, brief, whole), f); err != nil {
		t.Fatal(err)
	}
	if len(f.events) != 2 || f.events[0] != (event{12, 8}) || f.events[1] != (event{1, 9}) || f.revision != 9 {
		t.Errorf("%v at %d", f.events, f.revision)
	}
}
