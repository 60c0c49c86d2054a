"""What runs as a process, put together: the portal, one machine, the demonstration."""
