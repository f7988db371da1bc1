"""What the services share: settings, RPC, who is asking and whether they may, ids, time, stores, blobs, TLS, and `rushes up`."""
