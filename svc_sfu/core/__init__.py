"""Decisions about packets, without sockets, clocks or keys."""
