"""Nomad's documents read: jobs, plans, deployments and allocations as the API answers them, pure."""
