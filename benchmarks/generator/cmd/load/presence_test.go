package main

import "testing"

// here is a server's message of who is here: these clients, and so many more.
func here(more uint64, clients ...*client) []byte {
	var body []byte
	for _, c := range clients {
		body = field(body, 1, field(nil, 1, c.id[:]))
	}
	return field(nil, 7, number(body, 2, more))
}

func TestWhoIsNotAmongThoseThatAreShownIsUnseen(t *testing.T) {
	clients := []*client{newClient(options{}, 0, ""), newClient(options{}, 1, ""), newClient(options{}, 2, "")}
	r := newRushes(options{writers: 3}, 1, clients)
	for _, each := range []struct {
		message []byte
		unseen  []bool
	}{
		{here(0, clients...), []bool{false, false, false}},
		{here(1, clients[0], clients[2]), []bool{false, true, false}},
		{here(2, clients[1]), []bool{true, false, true}},
		{here(0, clients[1]), []bool{false, false, false}}, // nobody more is here, whoever that is
	} {
		f := &frame{}
		if err := r.message(each.message, f); err != nil {
			t.Fatal(err)
		}
		for i, c := range clients {
			c.take(f, 0)
			if c.unseen != each.unseen[i] {
				t.Errorf("%v: %d is unseen: %v", each.unseen, i, c.unseen)
			}
		}
	}
}
