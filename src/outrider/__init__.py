"""Outrider: a service mesh for Nomad and Consul without a central control plane."""
