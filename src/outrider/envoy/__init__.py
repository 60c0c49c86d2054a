"""Envoy's configuration format, as pure functions of a topology; one file per noun of Envoy's."""
