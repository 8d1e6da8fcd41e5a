"""Databases."""

import pulumi
import pulumi_aws as aws

from foundation.account import account
from foundation.keys import key
from foundation.network import private_a, private_b, private_c, vpc
from foundation.passwords import (
    online_store_password_value,
    tracking_password_value,
)

online_store_callers = aws.ec2.SecurityGroup(
    "online-store-callers",
    vpc_id=vpc.id,
    description="To the online-store of flight-delay-prod.",
    ingress=[
        {
            "protocol": "tcp",
            "from_port": 6379,
            "to_port": 6379,
            "description": "From pods of the cluster.",
            "cidr_blocks": ["10.0.0.0/19", "10.0.32.0/19", "10.0.64.0/19"],
        },
    ],
    tags={"Name": "flight-delay-prod-online-store"},
    opts=pulumi.ResourceOptions(provider=account),
)

online_store_subnets = aws.elasticache.SubnetGroup(
    "online-store-subnets",
    name="flight-delay-prod-features",
    subnet_ids=[private_a.id, private_b.id, private_c.id],
    opts=pulumi.ResourceOptions(provider=account),
)

# A full store refuses rows and forgets none.
online_store_settings = aws.elasticache.ParameterGroup(
    "online-store-settings",
    name="flight-delay-prod-features",
    family="redis7",
    parameters=[{"name": "maxmemory-policy", "value": "noeviction"}],
    opts=pulumi.ResourceOptions(provider=account),
)

tracking_callers = aws.ec2.SecurityGroup(
    "tracking-callers",
    vpc_id=vpc.id,
    description="To the tracking of flight-delay-prod.",
    ingress=[
        {
            "protocol": "tcp",
            "from_port": 5432,
            "to_port": 5432,
            "description": "From pods of the cluster.",
            "cidr_blocks": ["10.0.0.0/19", "10.0.32.0/19", "10.0.64.0/19"],
        },
    ],
    tags={"Name": "flight-delay-prod-tracking"},
    opts=pulumi.ResourceOptions(provider=account),
)

tracking_subnets = aws.rds.SubnetGroup(
    "tracking-subnets",
    name="flight-delay-prod-tracking",
    subnet_ids=[private_a.id, private_b.id, private_c.id],
    opts=pulumi.ResourceOptions(provider=account),
)

tracking_settings = aws.rds.ParameterGroup(
    "tracking-settings",
    name="flight-delay-prod-tracking",
    family="postgres16",
    parameters=[{"name": "rds.force_ssl", "value": "1"}],
    opts=pulumi.ResourceOptions(provider=account),
)

tracking_logs = aws.cloudwatch.LogGroup(
    "tracking-logs",
    name="/aws/rds/instance/flight-delay-prod-tracking/postgresql",
    retention_in_days=90,
    kms_key_id=key.arn,
    opts=pulumi.ResourceOptions(provider=account),
)

# The newest features of every entity.
online_store = aws.elasticache.ReplicationGroup(
    "online-store",
    replication_group_id="flight-delay-prod-features",
    description="Features of flight-delay-prod while serving.",
    engine="redis",
    engine_version="7.1",
    node_type="cache.t4g.small",
    num_cache_clusters=2,
    automatic_failover_enabled=True,
    multi_az_enabled=True,
    port=6379,
    parameter_group_name=online_store_settings.name,
    subnet_group_name=online_store_subnets.name,
    security_group_ids=[online_store_callers.id],
    at_rest_encryption_enabled=True,
    kms_key_id=key.arn,
    transit_encryption_enabled=True,
    auth_token=online_store_password_value.secret_string,
    snapshot_retention_limit=7,
    final_snapshot_identifier="flight-delay-prod-features-final",
    opts=pulumi.ResourceOptions(provider=account, protect=True),
)

# Runs, metrics and versions that MLflow knows.
tracking = aws.rds.Instance(
    "tracking",
    identifier="flight-delay-prod-tracking",
    engine="postgres",
    engine_version="16",
    instance_class="db.t4g.small",
    allocated_storage=20,
    max_allocated_storage=200,
    storage_type="gp3",
    storage_encrypted=True,
    kms_key_id=key.arn,
    db_name="mlflow",
    username="mlflow",
    password=tracking_password_value.secret_string,
    port=5432,
    parameter_group_name=tracking_settings.name,
    db_subnet_group_name=tracking_subnets.name,
    vpc_security_group_ids=[tracking_callers.id],
    publicly_accessible=False,
    backup_retention_period=14,
    copy_tags_to_snapshot=True,
    deletion_protection=True,
    skip_final_snapshot=False,
    final_snapshot_identifier="flight-delay-prod-tracking-final",
    auto_minor_version_upgrade=True,
    enabled_cloudwatch_logs_exports=["postgresql"],
    opts=pulumi.ResourceOptions(provider=account, depends_on=[tracking_logs], protect=True),
)
