"""The outer world: one thin client per server, all of them on the transport seam in `http`."""
