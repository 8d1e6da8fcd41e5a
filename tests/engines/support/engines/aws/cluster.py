"""EKS. Of a cluster, moto knows the cluster and its node groups; the rest is stored as it was asked for."""

from __future__ import annotations

from typing import Any

from engines.aws.kinds import KINDS, Account, Kind, short, stored
from engines.provider_protocol import Properties

POD_IDENTITY = "podidentityassociation"


def create_cluster(account: Account, inputs: Properties) -> tuple[str, Properties]:
    network = inputs["vpcConfig"]
    keys = ("subnetIds", "securityGroupIds", "endpointPublicAccess", "endpointPrivateAccess", "publicAccessCidrs")
    asked: dict[str, Any] = {
        "name": inputs["name"], "roleArn": inputs["roleArn"], "tags": account.tags_of(inputs),
        "resourcesVpcConfig": {key: network[key] for key in keys if key in network},
        **({"version": inputs["version"]} if "version" in inputs else {}),
    }  # fmt: skip
    if types := inputs.get("enabledClusterLogTypes"):
        asked["logging"] = {"clusterLogging": [{"types": types, "enabled": True}]}
    return inputs["name"], outputs_of(account("eks").create_cluster(**asked)["cluster"], account)


def outputs_of(found: dict[str, Any], account: Account) -> Properties:
    group = f"sg-{short(found['name'])}"
    return {
        "arn": found["arn"], "endpoint": found["endpoint"], "status": "ACTIVE", "platformVersion": "eks.1",
        "certificateAuthority": {"data": found["certificateAuthority"]["data"]},
        "certificateAuthorities": [{"data": found["certificateAuthority"]["data"]}],
        "identities": [{"oidcs": [{"issuer": f"https://oidc.eks.{account.region}.amazonaws.com/id/{group[3:].upper()}"}]}],
        "clusterSecurityGroupId": group,
    }  # fmt: skip


def live_cluster(account: Account, identity: str, state: Properties) -> Properties:
    found = account("eks").describe_cluster(name=identity)["cluster"]
    return {"endpoint": found["endpoint"], "certificateAuthority": {"data": found["certificateAuthority"]["data"]}}


def update_cluster(account: Account, identity: str, inputs: Properties) -> None:
    """Moto knows of no new version."""
    keys = ("endpointPublicAccess", "endpointPrivateAccess", "publicAccessCidrs")
    network = {key: inputs["vpcConfig"][key] for key in keys if key in inputs["vpcConfig"]}
    if network:
        account("eks").update_cluster_config(name=identity, resourcesVpcConfig=network)


def create_nodes(account: Account, inputs: Properties) -> tuple[str, Properties]:
    asked = {
        "clusterName": inputs["clusterName"], "nodegroupName": inputs["nodeGroupName"], "subnets": inputs["subnetIds"],
        "nodeRole": inputs["nodeRoleArn"], "scalingConfig": inputs["scalingConfig"], "tags": account.tags_of(inputs),
    }  # fmt: skip
    asked |= {
        name: inputs[name]
        for name in ("amiType", "capacityType", "instanceTypes", "labels", "taints")
        if name in inputs
    }
    if "diskSize" in inputs:
        asked["diskSize"] = inputs["diskSize"]
    made = account("eks").create_nodegroup(**asked)["nodegroup"]
    identity = f"{inputs['clusterName']}:{inputs['nodeGroupName']}"
    groups = [{"autoscalingGroups": [{"name": f"eks-{inputs['nodeGroupName']}-{short(identity)}"}]}]
    return identity, {"arn": made["nodegroupArn"], "status": "ACTIVE", "resources": groups}


def live_nodes(account: Account, identity: str, state: Properties) -> Properties:
    cluster, _, name = identity.partition(":")
    found = account("eks").describe_nodegroup(clusterName=cluster, nodegroupName=name)["nodegroup"]
    return {"scalingConfig": found["scalingConfig"]}


def update_nodes(account: Account, identity: str, inputs: Properties) -> None:
    cluster, _, name = identity.partition(":")
    account("eks").update_nodegroup_config(
        clusterName=cluster, nodegroupName=name, scalingConfig=inputs["scalingConfig"]
    )  # fmt: skip


def delete_nodes(account: Account, identity: str, state: Properties) -> None:
    cluster, _, name = identity.partition(":")
    account("eks").delete_nodegroup(clusterName=cluster, nodegroupName=name)


def of_pods(inputs: Properties) -> str:
    return f"a-{short(*(inputs[name] for name in ('clusterName', 'namespace', 'serviceAccount')))}"


def in_cluster(*names: str) -> Any:
    return lambda inputs: ":".join(str(inputs[name]) for name in ("clusterName", *names))


KINDS |= {
    "aws:eks/cluster:Cluster": Kind(
        create_cluster, live_cluster,
        lambda account, identity, state: account("eks").delete_cluster(name=identity) and None, update_cluster,
        ("name", "roleArn", "vpcConfig.subnetIds", "encryptionConfig", "kubernetesNetworkConfig",
         "bootstrapSelfManagedAddons", "accessConfig.bootstrapClusterCreatorAdminPermissions"),
        "name",
        ("arn", "endpoint", "status", "certificateAuthority", "certificateAuthorities", "identities",
         "clusterSecurityGroupId"),
    ),
    "aws:eks/nodeGroup:NodeGroup": Kind(
        create_nodes, live_nodes, delete_nodes, update_nodes,
        ("clusterName", "nodeGroupName", "nodeRoleArn", "subnetIds", "amiType", "capacityType", "instanceTypes",
         "diskSize"),
        "nodeGroupName", ("arn", "status", "resources"),
    ),
    "aws:eks/addon:Addon": stored("addon", ("clusterName", "addonName"), in_cluster("addonName")),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": stored(
        POD_IDENTITY, ("clusterName", "namespace", "serviceAccount"), of_pods
    ),
    "aws:eks/accessEntry:AccessEntry": stored(
        "accessentry", ("clusterName", "principalArn"), in_cluster("principalArn")
    ),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": stored(
        "accesspolicyassociation", ("clusterName", "principalArn", "policyArn", "accessScope"),
        in_cluster("principalArn", "policyArn"), again=True,
    ),
}  # fmt: skip
