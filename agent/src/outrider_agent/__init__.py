"""The discovery agent beside each Envoy; see ``__main__`` for its verbs."""
