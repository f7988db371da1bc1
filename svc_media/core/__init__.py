"""Decisions about media without I/O: bytes and facts come in, facts, plans and commands go out."""
