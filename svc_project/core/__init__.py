"""Decisions without I/O: time, ids and randomness come in as arguments."""
