"""Nomad's HTTP API and its scheduling on one machine: tasks are processes, services are registered in Consul."""
