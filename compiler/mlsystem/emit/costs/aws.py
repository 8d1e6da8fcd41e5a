"""What the resources of an account use, by their kinds: each has a price, or stands in FREE with the reason.

Quantities that nobody can know before are ranges, and their assumption says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from mlsystem.cost.bill import Range, Use, point
from mlsystem.cost.prices import HOURS
from mlsystem.emit.aws.resource import Resource
from mlsystem.emit.costs.nodes import Nodes
from mlsystem.system.nodes import System
from mlsystem_runtime.contract.features import RequestGroup

SECONDS: Final = HOURS * 3600
MINUTES: Final = HOURS * 60
THOUSAND, MILLION = Decimal(1000), Decimal(1_000_000)

NAT_GB: Final = Range(Decimal(10), Decimal(100))
ENDPOINT_GB: Final = Range(Decimal(5), Decimal(50))
REPOSITORY_GB: Final = Range(Decimal(2), Decimal(20))
WORKSPACE_GB: Final = Range(Decimal(10), Decimal(200))
READS: Final = Range(Decimal(100_000), Decimal(2_000_000))
TABLE_GB: Final = Range(Decimal(1), Decimal(10))
LOGS_GB: Final = Range(Decimal(1), Decimal(10))
FLOW_LOGS_GB: Final = Range(Decimal(5), Decimal(50))
KEY_REQUESTS: Final = Range(Decimal(10_000), Decimal(200_000))
LOAD_UNITS: Final = Range(Decimal("0.1"), Decimal(1))
KEPT: Final = Decimal("0.2")
"""Of what logs take in, what is left of it compressed."""
PROMETHEUS_GB: Final = Decimal(50)


class Setting(NamedTuple):
    """What a resource alone does not say."""

    system: System
    nodes: Nodes


Charged = Callable[[Resource, Setting], Iterator[Use]]


def use(
    one: Resource, what: str, each: str, price: str, unit: str, quantity: Range | None, said: str,
    lever: str = "",
) -> Use:  # fmt: skip
    return Use(what, each, one.origin, (), {price: Decimal(1)}, unit, quantity, said, lever)


def all_month(one: Resource, what: str, each: str, price: str, count: int = 1, lever: str = "") -> Use:
    times = "" if count == 1 else f"{count} of them, "
    return use(one, what, each, price, "hour", point(count * HOURS), f"{times}all {HOURS} hours of a month", lever)


def spread(amount: Range, unit: str, said: str) -> str:
    return f"{amount.low.normalize():f} to {amount.high.normalize():f} {unit}{said}"


def control_plane(one: Resource, _: Setting) -> Iterator[Use]:
    lever = "`cluster: {existing: NAME}` of a cluster that is there already"
    yield all_month(one, "EKS control plane", "in standard support", "eks.cluster", lever=lever)


def way_out(one: Resource, _: Setting) -> Iterator[Use]:
    yield all_month(one, f"NAT gateway {one.name}", "one for all zones", "nat.hour")
    said = spread(NAT_GB, "GB", ": images and charts from elsewhere, webhooks; what endpoints carry is not in it")
    yield use(one, f"data of NAT gateway {one.name}", "to the internet", "nat.data", "GB", NAT_GB, said)


def endpoint(one: Resource, _: Setting) -> Iterator[Use]:
    if one.inputs["vpc_endpoint_type"] == "Gateway":
        return
    zones = length(one.inputs["subnet_ids"])
    name = f"interface endpoint {one.name}"
    yield all_month(one, name, f"in {zones} zones", "endpoint.hour", count=zones)
    said = spread(ENDPOINT_GB, "GB", " through it")
    yield use(one, f"data of {name}", "inside the region", "endpoint.data", "GB", ENDPOINT_GB, said)


def address(one: Resource, _: Setting) -> Iterator[Use]:
    yield all_month(one, f"public address {one.name}", "IPv4", "ipv4")


def log_group(one: Resource, _: Setting) -> Iterator[Use]:
    """What is kept follows from what is taken in: a month's, for as long as the retention has months."""
    taken = FLOW_LOGS_GB if one.name == "network-logs" else LOGS_GB
    days = Decimal(one.inputs.get("retention_in_days") or 30)
    yield use(one, f"logs {one.name}", "taken in", "logs.ingested", "GB", taken, spread(taken, "GB", " a month"))
    kept = taken * (KEPT * days / 30)
    said = f"a fifth of that, compressed, for {days:f} days"
    yield use(one, f"logs {one.name}, kept", f"{days:f} days", "logs.stored", "GB-month", kept, said)


def key(one: Resource, _: Setting) -> Iterator[Use]:
    said = "one key; each of its first two yearly rotations adds one more"
    yield use(one, f"KMS key {one.name}", "with rotation", "kms.key", "month", point(1), said)
    said = spread(KEY_REQUESTS, "requests", ": buckets ask by bucket keys, not by object")
    asked = KEY_REQUESTS * Decimal("0.0001")
    yield use(one, f"requests to KMS key {one.name}", "by 10,000", "kms.requests", "10,000", asked, said)


def bucket(one: Resource, setting: Setting) -> Iterator[Use]:
    """Every replica writes its predictions once a minute, where any are logged."""
    said = spread(WORKSPACE_GB, "GB", " of data, models, logs and old versions")
    yield use(one, f"bucket {one.name}", "standard", "s3.storage", "GB-month", WORKSPACE_GB, said)
    logging = [model.serving for model in setting.system.models if model.serving.log_sample > 0]
    least = sum(serving.scaling.min_replicas for serving in logging) * MINUTES
    most = sum(serving.scaling.max_replicas for serving in logging) * MINUTES
    writes = Range(least / THOUSAND, most / THOUSAND)
    said = "each replica's predictions and counts, once a minute"
    yield use(one, f"writes to bucket {one.name}", "by 1,000", "s3.writes", "1,000", writes, said)
    said = spread(READS, "requests", ": steps, servers and the monitor")
    yield use(one, f"reads of bucket {one.name}", "by 1,000", "s3.reads", "1,000", READS * Decimal("0.001"), said)


def repository(one: Resource, _: Setting) -> Iterator[Use]:
    said = spread(REPOSITORY_GB, "GB", " of images: tags that are not in use are not deleted by themselves")
    yield use(one, f"repository {one.name}", "ECR", "ecr.storage", "GB-month", REPOSITORY_GB, said)


def table(one: Resource, setting: Setting) -> Iterator[Use]:
    """A lookup of a request is one item of at most 4 KB, read strongly; what a refresh writes is known once it did."""
    counted = [(model, model.serving.traffic.mean_rps) for model in setting.system.models]
    unknown = [model.name for model, mean in counted if mean is None]
    lookups = sum(
        Decimal(str(mean)) * sum(not isinstance(group, RequestGroup) for group in model.contract.groups)
        for model, mean in counted if mean is not None
    )  # fmt: skip
    said = "one read for each stored feature group of a request, at the mean `traffic`"
    quantity = None if unknown else point(lookups * SECONDS / MILLION)
    said = said if quantity else f"`traffic: {{mean: …}}` of {', '.join(unknown)} is not written"
    yield use(one, f"reads of table {one.name}", "by the million", "dynamodb.reads", "million", quantity, said)
    said = "how many rows a refresh changes is known once it did"
    yield use(one, f"writes to table {one.name}", "by the million", "dynamodb.writes", "million", None, said)
    said = spread(TABLE_GB, "GB", " of features")
    yield use(one, f"table {one.name}", "standard", "dynamodb.storage", "GB-month", TABLE_GB, said)
    yield use(one, f"table {one.name}, to any point in time", "", "dynamodb.backup", "GB-month", TABLE_GB, said)


def redis(one: Resource, _: Setting) -> Iterator[Use]:
    node, count = one.inputs["node_type"], int(one.inputs["num_cache_clusters"])
    lever = "`online_store: {type: dynamodb}`, where features are paid by the request"
    yield all_month(one, f"ElastiCache {one.name}", f"{node}, Redis", f"elasticache.{node}", count, lever)


def database(one: Resource, _: Setting) -> Iterator[Use]:
    zones = 2 if one.inputs.get("multi_az") else 1
    kind, size = one.inputs["instance_class"], Decimal(one.inputs["allocated_storage"])
    lever = "`tracking: {uri: …}` of an MLflow that is there already"
    yield all_month(one, f"RDS {one.name}", f"{kind}, PostgreSQL", f"rds.postgres.{kind}", zones, lever)
    said = "as allocated at first; backups of as much are free"
    yield use(one, f"storage of RDS {one.name}", "gp3", "rds.gp3", "GB-month", point(size * zones), said, lever)


def secret(one: Resource, _: Setting) -> Iterator[Use]:
    yield use(one, f"secret {one.name}", "Secrets Manager", "secret", "month", point(1), "one entry")


def machines(one: Resource, setting: Setting) -> Iterator[Use]:
    yield from setting.nodes.uses(one)


def chart(one: Resource, _: Setting) -> Iterator[Use]:
    """Its pods run on nodes that have a line; these two also ask the account for something."""
    if one.inputs["chart"] == "ingress-nginx":
        name = "load balancer of ingress-nginx"
        yield all_month(one, name, "network", "lb.network")
        units = LOAD_UNITS * Decimal(HOURS)
        said = spread(LOAD_UNITS, "units", " on average, each a GB an hour")
        yield use(one, f"units of the {name}", "network", "lb.network.units", "unit-hour", units, said)
    if one.inputs["chart"] == "kube-prometheus-stack":
        said = f"about {PROMETHEUS_GB:f} GB of metrics"
        yield use(one, "volume of Prometheus", "gp3", "ebs.gp3", "GB-month", point(PROMETHEUS_GB), said)


CHARGED: Final[Mapping[str, Charged]] = {
    "aws.cloudwatch.LogGroup": log_group,
    "aws.dynamodb.Table": table,
    "aws.ec2.Eip": address,
    "aws.ec2.NatGateway": way_out,
    "aws.ec2.VpcEndpoint": endpoint,
    "aws.ecr.Repository": repository,
    "aws.eks.Cluster": control_plane,
    "aws.eks.NodeGroup": machines,
    "aws.elasticache.ReplicationGroup": redis,
    "aws.kms.Key": key,
    "aws.rds.Instance": database,
    "aws.s3.Bucket": bucket,
    "aws.secretsmanager.Secret": secret,
    "kubernetes.helm.v3.Release": chart,
}  # fmt: skip
SETTING: Final = "a setting of something that has a line"
IDENTITY: Final = "identities and rights cost nothing"
ROUTES: Final = "networks cost what goes through their gateways and endpoints"
FREE: Final[Mapping[str, str]] = {
    "aws.budgets.Budget": "budgets that only tell are free",
    "aws.dynamodb.ResourcePolicy": SETTING,
    "aws.ec2.DefaultSecurityGroup": ROUTES,
    "aws.ec2.FlowLog": "its log group has a line",
    "aws.ec2.InternetGateway": ROUTES,
    "aws.ec2.LaunchTemplate": "what is started from it has a line",
    "aws.ec2.RouteTable": ROUTES,
    "aws.ec2.RouteTableAssociation": ROUTES,
    "aws.ec2.SecurityGroup": ROUTES,
    "aws.ec2.Subnet": ROUTES,
    "aws.ec2.Vpc": ROUTES,
    "aws.ecr.LifecyclePolicy": SETTING,
    "aws.eks.AccessEntry": IDENTITY,
    "aws.eks.AccessPolicyAssociation": IDENTITY,
    "aws.eks.Addon": "its pods run on nodes that have a line",
    "aws.eks.PodIdentityAssociation": IDENTITY,
    "aws.elasticache.ParameterGroup": SETTING,
    "aws.elasticache.SubnetGroup": SETTING,
    "aws.iam.OpenIdConnectProvider": IDENTITY,
    "aws.iam.Role": IDENTITY,
    "aws.iam.RolePolicy": IDENTITY,
    "aws.iam.RolePolicyAttachment": IDENTITY,
    "aws.kms.Alias": SETTING,
    "aws.rds.ParameterGroup": SETTING,
    "aws.rds.SubnetGroup": SETTING,
    "aws.s3.BucketLifecycleConfiguration": SETTING,
    "aws.s3.BucketOwnershipControls": SETTING,
    "aws.s3.BucketPolicy": SETTING,
    "aws.s3.BucketPublicAccessBlock": SETTING,
    "aws.s3.BucketServerSideEncryptionConfiguration": SETTING,
    "aws.s3.BucketVersioning": SETTING,
    "aws.secretsmanager.SecretVersion": SETTING,
    "aws.sns.Topic": "the first million of its messages a month are free, and an alarm is one",
    "aws.sns.TopicPolicy": SETTING,
    "aws.sns.TopicSubscription": "mails to a person: the first thousand a month are free",
    "kubernetes.Provider": "it only says where the cluster is",
    "kubernetes.apiextensions.CustomResource": "kept by the control plane",
    "kubernetes.rbac.v1.ClusterRole": IDENTITY,
    "kubernetes.rbac.v1.ClusterRoleBinding": IDENTITY,
    "kubernetes.storage.v1.StorageClass": "volumes that name it have lines",
}
"""Kinds that nobody pays for by themselves, and why."""


def account_uses(resources: Sequence[Resource], setting: Setting) -> Iterator[Use]:
    for one in resources:
        assert one.kind in CHARGED or one.kind in FREE, f"{one.kind} has no price, and no reason to have none"
        if one.kind in CHARGED:
            yield from CHARGED[one.kind](one, setting)


def length(value: Any) -> int:
    """Of a list; what only an update knows counts as two, the least that AWS asks for."""
    return len(value) if isinstance(value, list | tuple) else 2
