"""Consul's HTTP API on one machine: the catalog, its checks and its keys in memory, HTTP as a thin face over them."""
