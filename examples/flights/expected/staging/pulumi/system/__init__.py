"""The objects of flight-delay in staging."""
