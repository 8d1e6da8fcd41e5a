"""What the autoscalers of Kubernetes, KEDA and Knative decide, each a pure function of its state and what it sees.

Every module names the upstream file and version that it was read from; times are seconds on any one clock.
"""
