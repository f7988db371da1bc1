"""What svc_annotation decides, without input or output: time and randomness come in, events and bytes go out."""
