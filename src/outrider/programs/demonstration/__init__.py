"""The shop on one machine: deploying it, and proving without a person that it works."""
