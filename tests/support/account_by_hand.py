"""The two stacks of a small account, written by hand: what holds data, what stands on it and what only costs."""

from __future__ import annotations

from mlsystem.emit.aws.resource import Lookup, Outside, Policy, Resource, Stack, Statement

ACCOUNT, REGION, ENVIRONMENT = "123456789012", "eu-central-1", "prod"
ORIGIN = "infrastructure.environment"
ZONES = ("a", "b")
TAGS = {"mlsystem.dev/system": "seattle-weather", "mlsystem.dev/environment": ENVIRONMENT}
PROJECT = "seattle-weather"
CLUSTER = "seattle-weather-prod"


def foundation() -> Stack:
    vpc = network("aws.ec2.Vpc", "vpc", {"cidr_block": "10.0.0.0/16", "enable_dns_hostnames": True})
    subnets = [
        network("aws.ec2.Subnet", f"private-{zone}", {
            "vpc_id": vpc.id, "cidr_block": f"10.0.{16 * place}.0/20", "availability_zone": f"{REGION}{zone}"})
        for place, zone in enumerate(ZONES)
    ]  # fmt: skip
    address = network("aws.ec2.Eip", "nat-address", {"domain": "vpc"})
    nat = network("aws.ec2.NatGateway", "nat", {"subnet_id": subnets[0].id, "allocation_id": address.ref("id")})
    group = network("aws.ec2.SecurityGroup", "database-group", {"vpc_id": vpc.id, "description": "MLflow's database"})
    key = one("aws.kms.Key", "data-key", {"description": "data", "enable_key_rotation": True}, protect=True)
    bucket = one("aws.s3.Bucket", "workspace", {"bucket": "seattle-weather-prod-workspace"}, protect=True)
    versions = one("aws.s3.BucketVersioning", "workspace-versions", {
        "bucket": bucket.id, "versioning_configuration": {"status": "Enabled"}})  # fmt: skip
    encryption = one("aws.s3.BucketServerSideEncryptionConfiguration", "workspace-encryption", {
        "bucket": bucket.id,
        "rules": [{"apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms",
                                                               "kms_master_key_id": key.arn}}]})  # fmt: skip
    images = one("aws.ecr.Repository", "server-images", {
        "name": "ml/seattle-weather-server", "image_tag_mutability": "IMMUTABLE"}, protect=True)  # fmt: skip
    places = one("aws.rds.SubnetGroup", "database-places", {
        "name": "seattle-weather-prod", "subnet_ids": [subnet.id for subnet in subnets]})  # fmt: skip
    database = one("aws.rds.Instance", "tracking-database", {
        "identifier": "seattle-weather-prod-mlflow", "engine": "postgres", "instance_class": "db.t4g.micro",
        "allocated_storage": 20, "username": "mlflow", "manage_master_user_password": True,
        "db_subnet_group_name": places.ref("name"), "vpc_security_group_ids": [group.id], "storage_encrypted": True,
        "deletion_protection": True, "final_snapshot_identifier": "seattle-weather-prod-mlflow-last",
    }, protect=True)  # fmt: skip
    return Stack(
        "foundation", f"{PROJECT}-foundation", ENVIRONMENT, ACCOUNT, REGION, TAGS,
        (vpc, *subnets, address, nat, group, key, bucket, versions, encryption, images, places, database),
        outputs={"subnets": [subnet.id for subnet in subnets], "workspace": bucket.arn},
    )  # fmt: skip


def cluster() -> Stack:
    trust = Policy((Statement(("sts:AssumeRole",), principals={"Service": "eks.amazonaws.com"}),))
    role = one("aws.iam.Role", "cluster-role", {"name": f"{CLUSTER}-cluster", "assume_role_policy": trust})
    subnets = Outside("foundation", "subnets")
    made = one("aws.eks.Cluster", "cluster", {
        "name": CLUSTER, "role_arn": role.arn, "version": "1.33", "vpc_config": {"subnet_ids": subnets}})  # fmt: skip
    nodes = one("aws.eks.NodeGroup", "nodes", {
        "cluster_name": made.ref("name"), "node_group_name": "general", "node_role_arn": role.arn,
        "subnet_ids": subnets, "instance_types": ["m7i.xlarge"],
        "scaling_config": {"min_size": 0, "max_size": 3, "desired_size": 1},
    }, ignore_changes=("scalingConfig.desiredSize",))  # fmt: skip
    agent = one("aws.eks.Addon", "pod-identity", {
        "cluster_name": made.ref("name"), "addon_name": "eks-pod-identity-agent"}, depends_on=("nodes",))  # fmt: skip
    return Stack(
        "cluster", f"{PROJECT}-cluster", ENVIRONMENT, ACCOUNT, REGION, TAGS, (role, made, nodes, agent),
        outputs={"name": made.ref("name")},
    )  # fmt: skip


def existing_cluster() -> Stack:
    found = Lookup("aws.eks.get_cluster_output", "cluster", {"name": "shared"}, "eks")
    return Stack("cluster", f"{PROJECT}-cluster", ENVIRONMENT, ACCOUNT, REGION, TAGS, (), (found,))


def one(
    kind: str, name: str, inputs: dict[str, object], *, protect: bool = False, depends_on: tuple[str, ...] = (),
    ignore_changes: tuple[str, ...] = (), concern: str = "data",
) -> Resource:  # fmt: skip
    return Resource(
        kind, name, inputs, concern, ORIGIN, protect=protect, depends_on=depends_on, ignore_changes=ignore_changes
    )  # fmt: skip


def network(kind: str, name: str, inputs: dict[str, object]) -> Resource:
    return one(kind, name, {**inputs, "tags": {"Name": name}}, concern="network")
