"""The portal's faces: the HTTP API and the pages over one application."""
