"""What would happen: requests, replicas, an autoscaler and what may go wrong, one event after the other."""
