"""Generated from protos/; see scripts/gen-protos."""
