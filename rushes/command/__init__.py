"""Commands for people at a terminal: sign-in, upload, watch, annotate, export."""
