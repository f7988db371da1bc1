"""Passwords that a person copies from a screen."""

# Without 0 O 1 l I and the like: 32 characters, 5 bits each.
ALPHABET = "23456789abcdefghijkmnpqrstuvwxyz"
BYTES = 20


def readable(random: bytes) -> str:
    """A password of 100 bits out of `BYTES` random bytes, in groups of five."""
    characters = [ALPHABET[byte % len(ALPHABET)] for byte in random[:BYTES]]
    return "-".join("".join(characters[start : start + 5]) for start in range(0, len(characters), 5))
