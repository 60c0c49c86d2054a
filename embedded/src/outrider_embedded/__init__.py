"""One-machine Consul and Nomad: real HTTP servers with the APIs of both, for development and tests."""
