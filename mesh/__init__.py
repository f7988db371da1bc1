"""What the services share: settings, RPC, who asks and whether they may, ids, time, stores, TLS, and `rushes up`."""
