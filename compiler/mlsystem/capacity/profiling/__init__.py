"""Measuring a server: the process, its share of the machine, the requests, the load, and what its answers say."""
