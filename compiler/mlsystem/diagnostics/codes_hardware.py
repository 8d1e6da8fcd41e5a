"""MLS645 to MLS659: the machines of a cluster that is made in an AWS account, and what is installed in it."""

from __future__ import annotations

from mlsystem.diagnostics.code import Code

HARDWARE: dict[str, Code] = {
    "MLS645": Code(
        "a pod that fits on no machine",
        "A cluster that is made here has for every pod the cheapest machine that it fits on. A machine keeps a part of"
        " what it has for itself and for what runs on every node; the message says what is left on the largest.",
        "hardware: {gpu: {type: a10g, count: 16}}",
        "hardware: {gpu: {type: a10g, count: 8}, nodes: 2}",
    ),
    "MLS646": Code(
        "a GPU that no machine has",
        "Types of GPUs have the names that AWS has for them, in small letters: t4, a10g, l4, l40s, a100, h100.",
        "hardware: {gpu: {type: a10}}",
        "hardware: {gpu: {type: a10g}}",
    ),
    "MLS647": Code(
        "what is not installed in a cluster that is made here",
        "`cluster: create` installs what `platform` promises from public charts, and refuses what it does not know how"
        " to install. Labels of its nodes and its class of volumes follow from the file. A cluster that exists may"
        " have anything.",
        "cluster: create\nplatform: {knative: true}",
        "cluster: create\nplatform: {keda: true}",
    ),
    "MLS648": Code(
        "spot capacity where nodes are others' business",
        "Which nodes there are, and whether they may be taken away, this tool decides only in a cluster that it makes."
        " In a file with an environment that makes one the key may stand, and the others do without.",
        "training: {hardware: {spot: true}}\nenvironments: {prod: {target: kubernetes, …}}",
        "training: {hardware: {spot: true}}\nenvironments: {prod: {target: aws, cluster: create, …}}",
    ),
}
