"""Child processes that open what people uploaded: the libraries that decode never run inside the service."""
