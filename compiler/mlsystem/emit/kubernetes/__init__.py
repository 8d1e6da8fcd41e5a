"""Everything that a cluster holds of a system, as objects of the Kubernetes API; how they are written down is apart."""
