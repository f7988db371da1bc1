"""Pure parts of the gateway: codecs and the hub. Bytes and events in, bytes and actions out; no I/O."""
