"""An SLO in, a proven autoscaling configuration out: queueing, the controllers' own algorithms, simulation, search."""
