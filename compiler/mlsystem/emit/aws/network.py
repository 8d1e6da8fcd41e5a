"""The network of a cluster that is made: private subnets for all that runs, one small public one in each zone.

Nothing in it has an address of its own in the internet. What leaves goes through one translation of addresses; what is
asked of AWS itself stays inside, through endpoints.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from mlsystem.emit.aws.account import Account
from mlsystem.emit.aws.below import MOST_NAME
from mlsystem.emit.aws.keys import KEY
from mlsystem.emit.aws.resource import Lookup, Policy, Ref, Resource, Statement, Value, interpolated
from mlsystem.system.aws import Network
from mlsystem.system.target import dns_name

CONCERN = "network"
LOOKUP = "cluster"
BLOCKS = 8
"""Equal parts of the range: one for each zone that a network can have, and one for all public subnets together."""
GATEWAYS = ("s3", "dynamodb")
INTERFACES = ("ecr.api", "ecr.dkr", "eks-auth", "secretsmanager")
"""What pods cannot start without: their images, who they are, what they may know."""
ANYWHERE = "0.0.0.0/0"
LOGS_WRITER = "network-logs"
"""The end of a role's name."""


def network(account: Account) -> Iterator[Resource]:
    made = account.aws.network
    if made is None:
        return
    inputs = {"cidr_block": made.cidr, "enable_dns_hostnames": True, "enable_dns_support": True, "tags": named(account)}
    yield account.made("ec2.Vpc", "vpc", CONCERN, inputs)
    why = "What names no group of its own may talk to nobody."
    yield account.made("ec2.DefaultSecurityGroup", "nobody", CONCERN, {"vpc_id": Ref("vpc", "id")}, why=why)
    yield from subnets(account, made)
    yield from way_out(account, made)
    yield from endpoints(account, made)
    if made.flow_logs:
        yield from flow_logs(account)


def named(account: Account, *parts: str) -> dict[str, str]:
    """What AWS's own pages show of things that have no name."""
    return {"Name": "-".join([account.instance, *parts])}


def ranges(made: Network) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Addresses of the private and of the public subnets, in the order of the zones."""
    blocks = list(ipaddress.IPv4Network(made.cidr).subnets(prefixlen_diff=3))
    small = blocks[-1].subnets(prefixlen_diff=3)
    return (
        tuple(str(one) for one, _ in zip(blocks, made.zones, strict=False)),
        tuple(str(one) for one, _ in zip(small, made.zones, strict=False)),
    )


def subnets(account: Account, made: Network) -> Iterator[Resource]:
    private, public = ranges(made)
    for kind, found, role in (("private", private, "internal-elb"), ("public", public, "elb")):
        for zone, cidr in zip(made.zones, found, strict=True):
            inputs = {
                "vpc_id": Ref("vpc", "id"),
                "cidr_block": cidr,
                "availability_zone": f"{account.aws.region}{zone}",
                "map_public_ip_on_launch": False,
                "tags": {**named(account, kind, zone), f"kubernetes.io/role/{role}": "1"},
            }
            yield account.made("ec2.Subnet", f"{kind}-{zone}", CONCERN, inputs)


def way_out(account: Account, made: Network) -> Iterator[Resource]:
    """One translation of addresses for all zones: when its zone is lost, so is what calls the internet, and
    no machine joins; pods of the system run and start without it."""
    vpc = Ref("vpc", "id")
    inputs: dict[str, Value] = {"vpc_id": vpc, "tags": named(account)}
    yield account.made("ec2.InternetGateway", "internet", CONCERN, inputs)
    yield account.made("ec2.Eip", "way-out-address", CONCERN, {"domain": "vpc", "tags": named(account)})
    inputs = {
        "allocation_id": Ref("way-out-address", "id"),
        "subnet_id": Ref(f"public-{made.zones[0]}", "id"),
        "tags": named(account),
    }
    yield account.made("ec2.NatGateway", "way-out", CONCERN, inputs, depends_on=("internet",))
    through = {"public": {"gateway_id": Ref("internet", "id")}, "private": {"nat_gateway_id": Ref("way-out", "id")}}
    for kind, gateway in through.items():
        routes = {"vpc_id": vpc, "routes": [{"cidr_block": ANYWHERE, **gateway}], "tags": named(account, kind)}
        yield account.made("ec2.RouteTable", f"{kind}-routes", CONCERN, routes)
        for zone in made.zones:
            of_zone = {"subnet_id": Ref(f"{kind}-{zone}", "id"), "route_table_id": Ref(f"{kind}-routes", "id")}
            yield account.made("ec2.RouteTableAssociation", f"{kind}-{zone}-routes", CONCERN, of_zone)


def endpoints(account: Account, made: Network) -> Iterator[Resource]:
    """S3 and DynamoDB by routes, which cost nothing; the registry, identities and secrets by addresses in it."""
    vpc = Ref("vpc", "id")
    for service in GATEWAYS:
        inputs = {**endpoint(account, service, "Gateway"), "route_table_ids": [Ref("private-routes", "id")]}
        yield account.made("ec2.VpcEndpoint", f"to-{service}", CONCERN, inputs)
    inputs = {
        "vpc_id": vpc,
        "description": f"To services of AWS, from within {account.instance}.",
        "ingress": [rule(443, "TLS from within the network.", {"cidr_blocks": [made.cidr]})],
        "tags": named(account, "endpoints"),
    }
    yield account.made("ec2.SecurityGroup", "to-services", CONCERN, inputs)
    for service in INTERFACES:
        inputs = {
            **endpoint(account, service, "Interface"),
            "subnet_ids": private_subnets(account),
            "security_group_ids": [Ref("to-services", "id")],
            "private_dns_enabled": True,
        }
        yield account.made("ec2.VpcEndpoint", f"to-{service.replace('.', '-')}", CONCERN, inputs)


def endpoint(account: Account, service: str, kind: str) -> dict[str, Value]:
    return {
        "vpc_id": Ref("vpc", "id"),
        "service_name": f"com.amazonaws.{account.aws.region}.{service}",
        "vpc_endpoint_type": kind,
        "tags": named(account, service),
    }


def rule(port: int, description: str, source: dict[str, Value]) -> dict[str, Value]:
    return {"protocol": "tcp", "from_port": port, "to_port": port, "description": description, **source}


def flow_logs(account: Account) -> Iterator[Resource]:
    group = f"/mlsystem/{account.instance}/network"
    logs = {"name": group, "retention_in_days": account.aws.log_retention_days, "kms_key_id": KEY}
    yield account.made("cloudwatch.LogGroup", "network-logs", CONCERN, logs)
    trust = Statement(
        ("sts:AssumeRole",), (), {"Service": "vpc-flow-logs.amazonaws.com"},
        {"StringEquals": {"aws:SourceAccount": account.aws.account}},
    )  # fmt: skip
    role = {
        "name": dns_name(f"{account.instance}-{LOGS_WRITER}", MOST_NAME),
        "assume_role_policy": Policy((trust,)),
        "permissions_boundary": account.aws.boundary,
    }
    yield account.made("iam.Role", "network-logs-writer", CONCERN, role)
    writes = Statement(
        ("logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"),
        (Ref("network-logs", "arn"), interpolated(Ref("network-logs", "arn"), ":*")),
    )
    rights = {"role": Ref("network-logs-writer", "id"), "policy": Policy((writes,))}
    yield account.made("iam.RolePolicy", "network-logs-rights", CONCERN, rights)
    inputs = {
        "vpc_id": Ref("vpc", "id"),
        "traffic_type": "ALL",
        "log_destination": Ref("network-logs", "arn"),
        "iam_role_arn": Ref("network-logs-writer", "arn"),
        "tags": named(account),
    }
    yield account.made("ec2.FlowLog", "flow-log", CONCERN, inputs)


def looked_up(account: Account) -> tuple[Lookup, ...]:
    """A cluster that exists says which network databases have to be in."""
    name, databases = account.aws.cluster, account.aws.online_store == "redis" or account.aws.tracking_database
    if name is None or not databases:
        return ()
    return (Lookup("aws.eks.get_cluster_output", LOOKUP, {"name": name}, CONCERN),)


def vpc(account: Account) -> Ref:
    return Ref("vpc", "id") if account.aws.network else Ref(LOOKUP, "vpc_config.vpc_id")


def private_subnets(account: Account) -> Value:
    """A list, or what will be one."""
    if account.aws.network is None:
        return Ref(LOOKUP, "vpc_config.subnet_ids")
    return [Ref(f"private-{zone}", "id") for zone in account.aws.network.zones]


def callers(account: Account) -> dict[str, Value]:
    """Who of the network may call databases: every pod has an address of it, or the group of the cluster's nodes."""
    if account.aws.network is None:
        return {"security_groups": [Ref(LOOKUP, "vpc_config.cluster_security_group_id")]}
    return {"cidr_blocks": list(ranges(account.aws.network)[0])}
