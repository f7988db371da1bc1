"""The gRPC adapters: protos in, use cases, protos out."""
