"""What is remembered: versions, deployments, events and artifacts in SQLite or PostgreSQL."""
