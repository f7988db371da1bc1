"""The door of browsers and programs, and the hub that fans one video's stream out to its viewers. Owns nothing durable."""
