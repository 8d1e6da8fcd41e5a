"""The settings of what is installed: what its pods request, and what of each chart's defaults does not fit here."""

from __future__ import annotations

from mlsystem.emit.aws.below import Below
from mlsystem.emit.aws.resource import Value
from mlsystem.emit.kubernetes.pods import cpu, memory
from mlsystem.system import installed
from mlsystem.system.installed import MIB, Chart
from mlsystem.system.node_groups import NODES
from mlsystem.system.own_pods import EXECUTOR
from mlsystem.system.target import NodeGroup

Values = dict[str, Value]
PROMETHEUS_DAYS, PROMETHEUS_GIB = 15, 50
EXPORTER = (0.05, 64 * MIB)
DEVICE_PLUGIN = (0.05, 128 * MIB)
"""Of what runs on every node, which the room on nodes is without."""
EVERYWHERE: Values = {"operator": "Exists"}


def chart_values(below: Below, chart: Chart, groups: tuple[NodeGroup, ...]) -> Values:
    match chart:
        case installed.AUTOSCALER:
            return autoscaler(below)
        case installed.WORKFLOWS:
            return workflows(below)
        case installed.ROLLOUTS:
            return {"controller": {"resources": of(chart, "controller"), "replicas": 1}}
        case installed.PROMETHEUS:
            return prometheus()
        case installed.EXTERNAL_SECRETS:
            return external_secrets()
        case installed.KEDA:
            return keda()
        case installed.INGRESS_NGINX:
            return ingress(below)
        case installed.DEVICE_PLUGIN:
            return device_plugin(groups)
        case _:
            raise AssertionError(f"nobody has said what {chart.name} is given")


def of(chart: Chart, pod: str) -> Values:
    """What a pod of a chart requests; memory is a limit too."""
    found = next(one for one in chart.pods if one.name == pod)
    return amounts(found.cpu, found.memory)


def amounts(cores: float, size: int) -> Values:
    return {"requests": {"cpu": cpu(cores), "memory": memory(size)}, "limits": {"memory": memory(size)}}


def autoscaler(below: Below) -> Values:
    """It finds groups by the tags that EKS gives them, and knows from EKS what nodes of an empty one would be."""
    chart = installed.AUTOSCALER
    return {
        "fullnameOverride": chart.name,
        "autoDiscovery": {"clusterName": below.cluster},
        "awsRegion": below.region,
        "rbac": {"serviceAccount": {"name": chart.name}},
        "resources": of(chart, "cluster-autoscaler"),
        "extraArgs": {"expander": "least-waste", "balance-similar-node-groups": True,
                      "skip-nodes-with-system-pods": False},
    }  # fmt: skip


def workflows(below: Below) -> Values:
    """Workflows of the system's namespace; its ServiceAccount for them comes with the system."""
    return {
        "controller": {
            "resources": of(installed.WORKFLOWS, "controller"),
            "workflowNamespaces": [below.names.target.namespace],
            "metricsConfig": {"enabled": True},
        },
        "executor": {"resources": amounts(EXECUTOR.cpu, EXECUTOR.memory)},
        "server": {"enabled": False},
        "workflow": {"serviceAccount": {"create": False}, "rbac": {"create": False}},
    }


def prometheus() -> Values:
    """It takes up rules and monitors of every namespace, whatever their labels; its control plane is EKS's business.
    Grafana draws a password of its own where none is given: the chart's is known to everybody."""
    chart, everything = installed.PROMETHEUS, False
    selects = {f"{kind}SelectorNilUsesHelmValues": everything for kind in ("rule", "serviceMonitor", "podMonitor")}
    volume = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": f"{PROMETHEUS_GIB}Gi"}}}}
    unseen = {name: {"enabled": False} for name in ("kubeControllerManager", "kubeScheduler", "kubeEtcd", "kubeProxy")}
    return {
        **unseen,
        "prometheus": {"prometheusSpec": {
            **selects,
            "retention": f"{PROMETHEUS_DAYS}d",
            "resources": of(chart, "prometheus"),
            "storageSpec": {"volumeClaimTemplate": volume},
        }},
        "prometheusOperator": {"resources": of(chart, "operator")},
        "alertmanager": {"alertmanagerSpec": {"resources": of(chart, "alertmanager")}},
        "grafana": {
            "adminPassword": "",
            "resources": of(chart, "grafana"),
            "sidecar": {"dashboards": {"searchNamespace": "ALL"}},
        },
        "kube-state-metrics": {"resources": of(chart, "kube-state-metrics")},
        "prometheus-node-exporter": {"resources": amounts(*EXPORTER), "tolerations": [EVERYWHERE]},
    }  # fmt: skip


def external_secrets() -> Values:
    chart = installed.EXTERNAL_SECRETS
    return {
        "resources": of(chart, "controller"),
        "serviceAccount": {"name": chart.name},
        "webhook": {"resources": of(chart, "webhook")},
        "certController": {"resources": of(chart, "cert-controller")},
    }


def keda() -> Values:
    chart = installed.KEDA
    return {"resources": {
        "operator": of(chart, "operator"),
        "metricServer": of(chart, "metrics-apiserver"),
        "webhooks": of(chart, "webhooks"),
    }}  # fmt: skip


def ingress(below: Below) -> Values:
    """Behind a network load balancer in the public subnets, which sees addresses and no requests."""
    chart = installed.INGRESS_NGINX
    kind = "service.beta.kubernetes.io/aws-load-balancer"
    tags = ",".join(f"{key}={value}" for key, value in sorted(below.tags.items()))
    pods = next(one for one in chart.pods if one.name == "controller")
    return {"controller": {
        "replicaCount": pods.replicas,
        "resources": of(chart, "controller"),
        "ingressClassResource": {"name": installed.INGRESS, "default": False},
        "service": {
            "externalTrafficPolicy": "Local",
            "annotations": {
                f"{kind}-type": "nlb",
                f"{kind}-scheme": "internet-facing",
                f"{kind}-additional-resource-tags": tags,
            },
        },
        "metrics": {"enabled": True},
    }}  # fmt: skip


def device_plugin(groups: tuple[NodeGroup, ...]) -> Values:
    """On nodes with GPUs, by our own label: that of the GPU's maker is on no node before the driver has looked."""
    names = [group.name for group in groups if group.gpus]
    among = [{"matchExpressions": [{"key": NODES, "operator": "In", "values": names}]}]
    return {
        "resources": amounts(*DEVICE_PLUGIN),
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": among}}},
        "tolerations": [EVERYWHERE],
    }
