"""Where the bytes of artifacts lie: a folder or a bucket, neither of which knows what they mean."""
