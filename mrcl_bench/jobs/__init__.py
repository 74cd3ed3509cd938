"""Jobs: one adapter per kind of protocol, and the frame that turns its outcome into a record."""
