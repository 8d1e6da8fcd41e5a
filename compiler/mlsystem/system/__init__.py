"""What is meant for one environment: the resolved graph of nodes, and what each one's identity hashes."""
