"""What a room decides, without sockets, clocks or stores."""
