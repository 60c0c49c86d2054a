"""Prometheus' formats and the traffic that they tell of, as pure functions of text and numbers."""
