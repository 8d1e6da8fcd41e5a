"""The online store and the database of the tracking server, and the secrets that open them.

Their passwords are made by the account, once: they stand in its Secrets Manager and, encrypted, in Pulumi's state, and
in no generated file. What pods need to reach them is one entry, which External Secrets brings into the cluster.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.emit.aws.account import Account
from mlsystem.emit.aws.keys import KEY
from mlsystem.emit.aws.network import callers, named, private_subnets, rule, vpc
from mlsystem.emit.aws.resource import Json, Lookup, Ref, Resource, Value, interpolated
from mlsystem.system.aws import DATABASE_HOST, DATABASE_PASSWORD, ONLINE_STORE_URL
from mlsystem.system.target import dns_name
from mlsystem_runtime.contract.feature_table import EXPIRES, PARTITION, SORT, table_address

CONCERN = "databases"
PASSWORDS, SECRETS = "passwords", "secrets"
"""Databases need the ones, and what opens databases is in the others."""
REDIS_PORT, POSTGRES_PORT = 6379, 5432
PASSWORD_LENGTH = 48
GENERATED_DAYS, GIVEN_DAYS = 0, 30
"""How long an entry can be brought back after it was deleted here, and keeps its name. What was generated for a
database opens nothing without it, and would be in the way of the next one."""
BACKUP_DAYS = 14
LONGEST_REDIS, LONGEST_DATABASE = 40, 63


def databases(account: Account) -> Iterator[Resource]:
    if account.aws.online_store == "dynamodb":
        yield table(account)
    if account.aws.online_store == "redis":
        yield from redis(account)
    if account.aws.tracking_database:
        yield from postgres(account)


def passwords(account: Account) -> tuple[str, ...]:
    redis = ("online-store",) if account.aws.online_store == "redis" else ()
    return (*redis, *(("tracking",) if account.aws.tracking_database else ()))


def random_passwords(account: Account) -> tuple[Lookup, ...]:
    inputs = {"password_length": PASSWORD_LENGTH, "exclude_punctuation": True}
    why = "Another one each time; the first one is kept."
    return tuple(
        Lookup("aws.secretsmanager.get_random_password_output", f"{name}-random", inputs, PASSWORDS, why=why)
        for name in passwords(account)
    )


def secrets(account: Account) -> Iterator[Resource]:
    """An entry for each password, one for what pods read of them, and one for what people put in."""
    for name in passwords(account):
        yield entry(account, PASSWORDS, f"{name}-password", f"{account.aws.entry}-{name}", GENERATED_DAYS)
        inputs: dict[str, Value] = {
            "secret_id": Ref(f"{name}-password", "id"),
            "secret_string": Ref(f"{name}-random", "random_password"),
        }
        yield account.made(
            "secretsmanager.SecretVersion", f"{name}-password-value", PASSWORDS, inputs,
            ignore_changes=("secretString",),
        )  # fmt: skip
    if account.aws.made_secrets:
        yield entry(account, SECRETS, "made", account.aws.made_entry, GENERATED_DAYS)
        inputs = {"secret_id": Ref("made", "id"), "secret_string": Json(values(account))}
        yield account.made("secretsmanager.SecretVersion", "made-values", SECRETS, inputs)
    if account.cluster.system.secrets and account.cluster.target.secrets.store is not None:
        why = "Its values are put in by people: `aws secretsmanager put-secret-value`."
        yield entry(account, SECRETS, "given", account.aws.entry, GIVEN_DAYS, why)


def entry(account: Account, concern: str, name: str, called: str, recovery_days: int, why: str = "") -> Resource:
    inputs = {"name": called, "kms_key_id": KEY, "recovery_window_in_days": recovery_days}
    return account.made("secretsmanager.Secret", name, concern, inputs, why=why, protect=True)


def values(account: Account) -> dict[str, Value]:
    found: dict[str, Value] = {}
    if account.aws.online_store == "redis":
        host = Ref("online-store", "primary_endpoint_address")
        found[ONLINE_STORE_URL] = interpolated("rediss://:", password("online-store"), "@", host, f":{REDIS_PORT}/0")
    if account.aws.tracking_database:
        found |= {DATABASE_HOST: Ref("tracking", "address"), DATABASE_PASSWORD: password("tracking")}
    return found


def password(name: str) -> Ref:
    return Ref(f"{name}-password-value", "secret_string")


def table(account: Account) -> Resource:
    address = account.cluster.target.online_store
    assert address is not None, "a table that is made has an address"
    inputs = {
        "name": table_address(address).name,
        "billing_mode": "PAY_PER_REQUEST",
        "hash_key": PARTITION,
        "range_key": SORT,
        "attributes": [{"name": PARTITION, "type": "S"}, {"name": SORT, "type": "B"}],
        "ttl": {"attribute_name": EXPIRES, "enabled": True},
        "server_side_encryption": {"enabled": True, "kms_key_arn": KEY},
        "point_in_time_recovery": {"enabled": True},
        "deletion_protection_enabled": True,
    }
    why = "The newest features of every entity."
    return account.made("dynamodb.Table", "online-store", CONCERN, inputs, why=why, protect=True)


def group(account: Account, name: str, port: int) -> Resource:
    """Who may call: nothing calls from there."""
    inputs = {
        "vpc_id": vpc(account),
        "description": f"To the {name} of {account.instance}.",
        "ingress": [rule(port, "From pods of the cluster.", callers(account))],
        "tags": named(account, name),
    }
    return account.made("ec2.SecurityGroup", f"{name}-callers", CONCERN, inputs)


def redis(account: Account) -> Iterator[Resource]:
    name = dns_name(f"{account.instance}-features", LONGEST_REDIS)
    yield group(account, "online-store", REDIS_PORT)
    subnets = {"name": name, "subnet_ids": private_subnets(account)}
    yield account.made("elasticache.SubnetGroup", "online-store-subnets", CONCERN, subnets)
    full = {"name": name, "family": "redis7", "parameters": [{"name": "maxmemory-policy", "value": "noeviction"}]}
    why = "A full store refuses rows and forgets none."
    yield account.made("elasticache.ParameterGroup", "online-store-settings", CONCERN, full, why=why)
    inputs = {
        "replication_group_id": name,
        "description": f"Features of {account.instance} while serving.",
        "engine": "redis",
        "engine_version": "7.1",
        "node_type": "cache.t4g.small",
        "num_cache_clusters": 2,
        "automatic_failover_enabled": True,
        "multi_az_enabled": True,
        "port": REDIS_PORT,
        "parameter_group_name": Ref("online-store-settings", "name"),
        "subnet_group_name": Ref("online-store-subnets", "name"),
        "security_group_ids": [Ref("online-store-callers", "id")],
        "at_rest_encryption_enabled": True,
        "kms_key_id": KEY,
        "transit_encryption_enabled": True,
        "auth_token": password("online-store"),
        "snapshot_retention_limit": 7,
        "final_snapshot_identifier": f"{name}-final",
    }
    why = "The newest features of every entity."
    yield account.made("elasticache.ReplicationGroup", "online-store", CONCERN, inputs, why=why, protect=True)


def postgres(account: Account) -> Iterator[Resource]:
    """Of one zone: nothing that answers requests needs it."""
    name = dns_name(f"{account.instance}-tracking", LONGEST_DATABASE)
    yield group(account, "tracking", POSTGRES_PORT)
    subnets = {"name": name, "subnet_ids": private_subnets(account)}
    yield account.made("rds.SubnetGroup", "tracking-subnets", CONCERN, subnets)
    tls = {"name": name, "family": "postgres16", "parameters": [{"name": "rds.force_ssl", "value": "1"}]}
    yield account.made("rds.ParameterGroup", "tracking-settings", CONCERN, tls)
    logs = {
        "name": f"/aws/rds/instance/{name}/postgresql",
        "retention_in_days": account.aws.log_retention_days,
        "kms_key_id": KEY,
    }
    yield account.made("cloudwatch.LogGroup", "tracking-logs", CONCERN, logs)
    inputs = {
        "identifier": name,
        "engine": "postgres",
        "engine_version": "16",
        "instance_class": "db.t4g.small",
        "allocated_storage": 20,
        "max_allocated_storage": 200,
        "storage_type": "gp3",
        "storage_encrypted": True,
        "kms_key_id": KEY,
        "db_name": "mlflow",
        "username": "mlflow",
        "password": password("tracking"),
        "port": POSTGRES_PORT,
        "parameter_group_name": Ref("tracking-settings", "name"),
        "db_subnet_group_name": Ref("tracking-subnets", "name"),
        "vpc_security_group_ids": [Ref("tracking-callers", "id")],
        "publicly_accessible": False,
        "backup_retention_period": BACKUP_DAYS,
        "copy_tags_to_snapshot": True,
        "deletion_protection": True,
        "skip_final_snapshot": False,
        "final_snapshot_identifier": f"{name}-final",
        "auto_minor_version_upgrade": True,
        "enabled_cloudwatch_logs_exports": ["postgresql"],
    }
    after, why = ("tracking-logs",), "Runs, metrics and versions that MLflow knows."
    yield account.made("rds.Instance", "tracking", CONCERN, inputs, why=why, protect=True, depends_on=after)
