"""The cluster of prod."""
