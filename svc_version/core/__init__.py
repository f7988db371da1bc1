"""What versions are and what follows from them: pure."""
