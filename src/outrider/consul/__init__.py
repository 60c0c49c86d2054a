"""Consul's documents read: instances, their checks and what their entries say, pure."""
