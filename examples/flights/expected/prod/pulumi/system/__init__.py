"""The objects of flight-delay in prod."""
