"""The SDK: asynchronous, typed, over native gRPC and the same document core as the services."""
