"""What a platform lacks, server by server and node by node."""
