"""MLS5: environments, and what is not supported yet."""

from __future__ import annotations

from mlsystem.diagnostics.code import Code

ENVIRONMENT = {
    "MLS501": Code(
        "not supported yet",
        "The key or value belongs to the language, but nothing carries it out in this version, so it is refused rather"
        " than ignored.",
        "training: {search: {trials: 20}}",
        "training: {seed: 7}",
    ),
    "MLS502": Code(
        "an environment that is not declared",
        "`-e NAME` chooses one of the environments of the file.",
        "environments: {dev: {target: local}}  # with: -e prod",
        "environments: {dev: {target: local}, prod: {target: local}}",
    ),
    "MLS503": Code(
        "the environment must be chosen",
        "A file with several environments, none of them called `dev`, has no default: choose one with `-e NAME`.",
        "environments: {here: {target: local}, there: {target: local}}",
        "environments: {dev: {target: local}, there: {target: local}}",
    ),
    "MLS504": Code(
        "what does not fit the target",
        "One machine and a cluster find data, features, secrets and images in different places, and have settings of"
        " their own.",
        "environments: {dev: {target: local, online_store: {type: redis}}}",
        "environments: {dev: {target: local}}",
    ),
    "MLS505": Code(
        "something that the platform does not declare",
        "Only what stands under `platform` is relied on: say there what the cluster has, or do without it.",
        "environments: {prod: {target: kubernetes, registry: registry.example.com}}",
        "environments: {prod: {target: kubernetes, registry: registry.example.com, platform: {argo_workflows: true}}}",
    ),
    "MLS506": Code(
        "an image without a digest",
        "A tag can be moved. The digest, written behind the name or in `images.lock`, says which image is meant, so"
        " that a patched base shows in the plan.",
        "images: {base: python:3.11-slim}",
        "images: {base: python:3.11-slim@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef}",
    ),
    "MLS507": Code(
        "a setting that no environment can use",
        "Memory, GPUs, replicas and schedules belong to a cluster. In a file with an environment that has one they may"
        " stand, and `mlsystem plan` says in the others that they are not used; elsewhere they would mean nothing.",
        "serving: {scaling: {max_replicas: 20}}\nenvironments: {dev: {target: local}}",
        "environments: {dev: {target: local}}",
    ),
    "MLS508": Code(
        "a name that a cluster cannot hold",
        "Names in Kubernetes have lower-case letters, digits and -, and few characters. What does not fit is cut or"
        " rewritten, with a hash at its end that keeps two names apart.",
        "name: flight_delay\nenvironments: {prod: {target: kubernetes, …}}",
        "name: flight-delay\nenvironments: {prod: {target: kubernetes, …}}",
    ),
    "MLS509": Code(
        "gRPC that is not answered outside the cluster",
        "Each kind of ingress controller wants to be told of gRPC in its own way, and the host has one path for it. An"
        " Ingress for it is made where the class is nginx, the host has a certificate, and one model has `grpc: true`.",
        "serving: {grpc: true}\nenvironments: {prod: {platform: {ingress: traefik, …}, …}}",
        "serving: {grpc: true}\n"
        "environments: {prod: {platform: {ingress: nginx, host: delay.example.com, tls_secret: delay-tls, …}, …}}",
    ),
}
