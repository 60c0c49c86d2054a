"""The HTTP calls of Nomad's API: each reads the state or asks the server to act, and answers as Nomad does."""
