"""The door of browsers and programs, and the hub that fans a video's stream out to viewers. Owns nothing durable."""
