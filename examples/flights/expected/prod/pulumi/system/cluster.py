"""The cluster, by the configuration of the stack.

An update that was interrupted leaves objects behind, which the next one adopts: `upsert_existing_objects`.
Before it starts, `mlsystem apply` makes sure that it meets no objects of others.
"""

import pulumi
import pulumi_kubernetes as k8s

settings = pulumi.Config("kubernetes")

cluster = k8s.Provider(
    "cluster",
    context=settings.get("context"),
    namespace=settings.get("namespace"),
    cluster_identifier=settings.get("context") or "flight-delay-prod",
    upsert_existing_objects=True,
)
