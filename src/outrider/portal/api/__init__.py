"""The HTTP API, one module per noun; its documents are the operations' own records."""
