"""The process that writes one recording: a room's packets in, files out, without decoding.

In a process of its own, for libraries that write media may end the process that they are in.
"""
