"""Rushes for programs: `import rushes` gives the client; the generated messages live beside it."""
