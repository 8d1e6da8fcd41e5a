"""Why there were as many replicas as there were: one decision of an autoscaler, clause by clause, in sentences."""
