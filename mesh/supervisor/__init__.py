"""`rushes up`: every service as a process, watched, on one machine."""
