"""Notes leave and come back: files of other programs, written and read.

Pure: bytes in and out, no clock, no ids of its own.

`notes.Notes` is what is written; `found.Found` is what was read; `format` knows the writers and readers by name, and
`arrival.plan` makes operations of what was found and is not there yet.
"""
