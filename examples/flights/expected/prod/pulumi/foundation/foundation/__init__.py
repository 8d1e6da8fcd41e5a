"""The foundation of prod."""
