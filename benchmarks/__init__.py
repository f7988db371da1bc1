"""Benchmarks: each runs us and a peer side by side where there is one, and prints one JSON object in its last line."""
