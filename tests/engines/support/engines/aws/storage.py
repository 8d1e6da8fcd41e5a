"""What holds data: buckets, images, tables, databases, secrets."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from engines.aws.kinds import KINDS, Account, Change, Create, Kind, Read, deep_pascal, pascal, stored, sub_resource
from engines.provider_protocol import Properties


def create_bucket(account: Account, inputs: Properties) -> tuple[str, Properties]:
    name, s3 = inputs["bucket"], account("s3")
    elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": account.region}}
    s3.create_bucket(Bucket=name, **(elsewhere if account.region != "us-east-1" else {}))
    update_bucket(account, name, inputs)
    domain = f"{name}.s3.{account.region}.amazonaws.com"
    return name, {
        "arn": f"arn:aws:s3:::{name}", "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketRegionalDomainName": domain, "bucketRegion": account.region,
    }  # fmt: skip


def update_bucket(account: Account, identity: str, inputs: Properties) -> None:
    if tags := account.tag_list(inputs):
        account("s3").put_bucket_tagging(Bucket=identity, Tagging={"TagSet": tags})


def delete_bucket(account: Account, identity: str, state: Properties) -> None:
    """Full ones only with `forceDestroy`, as the service has it."""
    s3 = account("s3")
    if state.get("forceDestroy"):
        found = s3.list_object_versions(Bucket=identity)
        for one in (*found.get("Versions", ()), *found.get("DeleteMarkers", ())):
            s3.delete_object(Bucket=identity, Key=one["Key"], VersionId=one["VersionId"])
    s3.delete_bucket(Bucket=identity)


def there(account: Account, identity: str, state: Properties) -> Properties:
    account("s3").head_bucket(Bucket=state.get("bucket", identity))
    return {}


def put_versioning(account: Account, inputs: Properties) -> tuple[str, Properties]:
    status = inputs["versioningConfiguration"]["status"]
    account("s3").put_bucket_versioning(Bucket=inputs["bucket"], VersioningConfiguration={"Status": status})
    return inputs["bucket"], {}


def live_versioning(account: Account, identity: str, state: Properties) -> Properties:
    status = account("s3").get_bucket_versioning(Bucket=identity).get("Status", "Disabled")
    return {"versioningConfiguration": {**state.get("versioningConfiguration", {}), "status": status}}


def put_encryption(account: Account, inputs: Properties) -> tuple[str, Properties]:
    rules = []
    for rule in inputs["rules"]:
        default = rule.get("applyServerSideEncryptionByDefault", {})
        wanted = {"SSEAlgorithm": default.get("sseAlgorithm", "AES256")}
        if "kmsMasterKeyId" in default:
            wanted["KMSMasterKeyID"] = default["kmsMasterKeyId"]
        by_default = {"ApplyServerSideEncryptionByDefault": wanted}
        rules.append({**by_default, "BucketKeyEnabled": bool(rule.get("bucketKeyEnabled"))})
    configuration = {"Rules": rules}
    account("s3").put_bucket_encryption(Bucket=inputs["bucket"], ServerSideEncryptionConfiguration=configuration)
    return inputs["bucket"], {}


def put_access_block(account: Account, inputs: Properties) -> tuple[str, Properties]:
    names = ("blockPublicAcls", "ignorePublicAcls", "blockPublicPolicy", "restrictPublicBuckets")
    wanted = {name[0].upper() + name[1:]: inputs.get(name, False) for name in names}
    account("s3").put_public_access_block(Bucket=inputs["bucket"], PublicAccessBlockConfiguration=wanted)
    return inputs["bucket"], {}


def live_access_block(account: Account, identity: str, state: Properties) -> Properties:
    found = account("s3").get_public_access_block(Bucket=identity)["PublicAccessBlockConfiguration"]
    live = {name[0].lower() + name[1:]: value for name, value in found.items()}
    return {name: value for name, value in live.items() if name in state}


def put_policy(account: Account, inputs: Properties) -> tuple[str, Properties]:
    account("s3").put_bucket_policy(Bucket=inputs["bucket"], Policy=inputs["policy"])
    return inputs["bucket"], {}


def live_policy(account: Account, identity: str, state: Properties) -> Properties:
    return {"policy": account("s3").get_bucket_policy(Bucket=identity)["Policy"]}


def put_ownership(account: Account, inputs: Properties) -> tuple[str, Properties]:
    rules = {"Rules": [{"ObjectOwnership": inputs["rule"]["objectOwnership"]}]}
    account("s3").put_bucket_ownership_controls(Bucket=inputs["bucket"], OwnershipControls=rules)
    return inputs["bucket"], {}


def put_lifecycle(account: Account, inputs: Properties) -> tuple[str, Properties]:
    rules: list[dict[str, Any]] = []
    for one in inputs["rules"]:
        rule = {"ID": one["id"], "Status": one["status"], "Filter": {"Prefix": one.get("filter", {}).get("prefix", "")}}
        for name in ("expiration", "noncurrentVersionExpiration", "abortIncompleteMultipartUpload"):
            if name in one:
                rule[name[0].upper() + name[1:]] = deep_pascal(one[name])
        rules.append(rule)
    account("s3").put_bucket_lifecycle_configuration(Bucket=inputs["bucket"], LifecycleConfiguration={"Rules": rules})
    return inputs["bucket"], {}


def dropped(operation: str) -> Change:
    return lambda account, identity, state: getattr(account("s3"), operation)(Bucket=identity) and None


def create_repository(account: Account, inputs: Properties) -> tuple[str, Properties]:
    asked = {"repositoryName": inputs["name"], "tags": account.tag_list(inputs)}
    asked |= {key: inputs[key] for key in ("imageTagMutability", "imageScanningConfiguration") if key in inputs}
    made = account("ecr").create_repository(**asked)["repository"]
    outputs = {"arn": "repositoryArn", "registryId": "registryId", "repositoryUrl": "repositoryUri"}
    return inputs["name"], {name: made[key] for name, key in outputs.items()}


def update_repository(account: Account, identity: str, inputs: Properties) -> None:
    mutability = inputs.get("imageTagMutability", "MUTABLE")
    account("ecr").put_image_tag_mutability(repositoryName=identity, imageTagMutability=mutability)


def live_repository(account: Account, identity: str, state: Properties) -> Properties:
    found = account("ecr").describe_repositories(repositoryNames=[identity])["repositories"][0]
    return {name: found[name] for name in ("imageTagMutability", "imageScanningConfiguration") if name in state}


def put_repository_lifecycle(account: Account, inputs: Properties) -> tuple[str, Properties]:
    account("ecr").put_lifecycle_policy(repositoryName=inputs["repository"], lifecyclePolicyText=inputs["policy"])
    return inputs["repository"], {"registryId": account.number}


def create_table(account: Account, inputs: Properties) -> tuple[str, Properties]:
    keys = [("hashKey", "HASH"), ("rangeKey", "RANGE")]
    schema = [{"AttributeName": inputs[name], "KeyType": kind} for name, kind in keys if name in inputs]
    asked = {
        "TableName": inputs["name"], "KeySchema": schema, "Tags": account.tag_list(inputs),
        "AttributeDefinitions": [{"AttributeName": one["name"], "AttributeType": one["type"]}
                                 for one in inputs["attributes"]],
        "BillingMode": inputs.get("billingMode", "PROVISIONED"),
        "DeletionProtectionEnabled": inputs.get("deletionProtectionEnabled", False),
    }  # fmt: skip
    if asked["BillingMode"] == "PROVISIONED":
        units = {"ReadCapacityUnits": inputs["readCapacity"], "WriteCapacityUnits": inputs["writeCapacity"]}
        asked["ProvisionedThroughput"] = units
    made = account("dynamodb").create_table(**asked)["TableDescription"]
    if inputs.get("ttl", {}).get("enabled"):
        ttl = {"Enabled": True, "AttributeName": inputs["ttl"]["attributeName"]}
        account("dynamodb").update_time_to_live(TableName=inputs["name"], TimeToLiveSpecification=ttl)
    recover_to_any_point(account, inputs)
    return inputs["name"], {"arn": made["TableArn"]}


def recover_to_any_point(account: Account, inputs: Properties) -> None:
    wanted = {"PointInTimeRecoveryEnabled": bool(inputs.get("pointInTimeRecovery", {}).get("enabled"))}
    account("dynamodb").update_continuous_backups(
        TableName=inputs["name"], PointInTimeRecoverySpecification=wanted
    )  # fmt: skip


def update_table(account: Account, identity: str, inputs: Properties) -> None:
    protected = inputs.get("deletionProtectionEnabled", False)
    account("dynamodb").update_table(TableName=identity, DeletionProtectionEnabled=protected)
    recover_to_any_point(account, inputs)


def live_table(account: Account, identity: str, state: Properties) -> Properties:
    found = account("dynamodb").describe_table(TableName=identity)["Table"]
    protected = found.get("DeletionProtectionEnabled", False)
    return {"deletionProtectionEnabled": protected} if "deletionProtectionEnabled" in state else {}


def create_database(account: Account, inputs: Properties) -> tuple[str, Properties]:
    names = ("engine", "engineVersion", "allocatedStorage", "storageEncrypted", "storageType", "multiAz",
             "vpcSecurityGroupIds", "backupRetentionPeriod", "deletionProtection", "publiclyAccessible", "kmsKeyId",
             "manageMasterUserPassword", "copyTagsToSnapshot", "maxAllocatedStorage")  # fmt: skip
    asked = {key.replace("MultiAz", "MultiAZ"): one for key, one in pascal(inputs, *names).items()}
    asked |= {"DBInstanceIdentifier": inputs["identifier"], "DBInstanceClass": inputs["instanceClass"]}
    others = {"dbName": "DBName", "username": "MasterUsername", "password": "MasterUserPassword",
              "dbSubnetGroupName": "DBSubnetGroupName"}  # fmt: skip
    asked |= {api: inputs[name] for name, api in others.items() if name in inputs}
    made = account("rds").create_db_instance(**asked, Tags=account.tag_list(inputs))["DBInstance"]
    host, port = made["Endpoint"]["Address"], made["Endpoint"]["Port"]
    secret = {
        "secretArn": account.arn("secretsmanager", f"secret:rds!{inputs['identifier']}"),
        "secretStatus": "active",
    }
    return inputs["identifier"], {
        "arn": made["DBInstanceArn"], "address": host, "endpoint": f"{host}:{port}", "port": port,
        "resourceId": made["DbiResourceId"], "status": "available",
        **({"masterUserSecrets": [secret]} if inputs.get("manageMasterUserPassword") else {}),
    }  # fmt: skip


def update_database(account: Account, identity: str, inputs: Properties) -> None:
    names = ("allocatedStorage", "multiAz", "backupRetentionPeriod", "deletionProtection")
    asked = {key.replace("MultiAz", "MultiAZ"): one for key, one in pascal(inputs, *names).items()}
    asked["DBInstanceClass"] = inputs["instanceClass"]
    account("rds").modify_db_instance(DBInstanceIdentifier=identity, ApplyImmediately=True, **asked)


def live_database(account: Account, identity: str, state: Properties) -> Properties:
    found = account("rds").describe_db_instances(DBInstanceIdentifier=identity)["DBInstances"][0]
    live = {"deletionProtection": found["DeletionProtection"], "instanceClass": found["DBInstanceClass"]}
    return {name: value for name, value in live.items() if name in state}


def delete_database(account: Account, identity: str, state: Properties) -> None:
    """With a last snapshot, unless the inputs say that there is to be none: as the real provider has it."""
    found = account("rds").describe_db_instances(DBInstanceIdentifier=identity)["DBInstances"][0]
    if found["DeletionProtection"]:
        raise refused("InvalidParameterCombination", f"Cannot delete protected DB Instance {identity}")
    if state.get("skipFinalSnapshot"):
        account("rds").delete_db_instance(DBInstanceIdentifier=identity, SkipFinalSnapshot=True)
        return
    if "finalSnapshotIdentifier" not in state:
        raise refused("InvalidParameter", "finalSnapshotIdentifier is required when skipFinalSnapshot is false")
    account("rds").delete_db_instance(
        DBInstanceIdentifier=identity, FinalDBSnapshotIdentifier=state["finalSnapshotIdentifier"]
    )  # fmt: skip


def refused(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Delete")


def subnet_group(service: str, prefix: str) -> Kind:
    """Of RDS and of ElastiCache, which differ in the names of their operations."""
    words = {"rds": "db_subnet_group", "elasticache": "cache_subnet_group"}[service]
    named = f"{prefix}SubnetGroupName"

    def create(account: Account, inputs: Properties) -> tuple[str, Properties]:
        asked = {
            named: inputs["name"],
            f"{prefix}SubnetGroupDescription": inputs.get("description", "Managed by Pulumi"),
        }
        asked |= {"SubnetIds": inputs["subnetIds"], "Tags": account.tag_list(inputs)}
        getattr(account(service), f"create_{words}")(**asked)
        return inputs["name"], {"arn": account.arn(service, f"subgrp:{inputs['name']}")}

    def read(account: Account, identity: str, state: Properties) -> Properties:
        getattr(account(service), f"describe_{words}s")(**{named: identity})
        return {}

    def delete(account: Account, identity: str, state: Properties) -> None:
        if service == "rds":  # of the other one, moto has no deletion
            account("rds").delete_db_subnet_group(DBSubnetGroupName=identity)

    return Kind(create, read, delete, lambda account, identity, inputs: None, ("name",), "name")


def create_parameters(account: Account, inputs: Properties) -> tuple[str, Properties]:
    account("rds").create_db_parameter_group(
        DBParameterGroupName=inputs["name"], DBParameterGroupFamily=inputs["family"],
        Description=inputs.get("description", "Managed by Pulumi"), Tags=account.tag_list(inputs),
    )  # fmt: skip
    return inputs["name"], {"arn": account.arn("rds", f"pg:{inputs['name']}")}


def create_cache(account: Account, inputs: Properties) -> tuple[str, Properties]:
    identity = inputs["replicationGroupId"]
    names = {"automaticFailoverEnabled": "AutomaticFailoverEnabled", "nodeType": "CacheNodeType", "engine": "Engine",
             "engineVersion": "EngineVersion", "numCacheClusters": "NumCacheClusters",
             "multiAzEnabled": "MultiAZEnabled", "subnetGroupName": "CacheSubnetGroupName",
             "snapshotRetentionLimit": "SnapshotRetentionLimit",
             "atRestEncryptionEnabled": "AtRestEncryptionEnabled", "kmsKeyId": "KmsKeyId",
             "transitEncryptionEnabled": "TransitEncryptionEnabled", "authToken": "AuthToken",
             "securityGroupIds": "SecurityGroupIds"}  # fmt: skip
    account("elasticache").create_replication_group(
        ReplicationGroupId=identity, ReplicationGroupDescription=inputs["description"],
        **{api: inputs[name] for name, api in names.items() if name in inputs},
    )  # fmt: skip
    host = f"{identity}.stand-in.cache.amazonaws.com"
    return identity, {
        "arn": account.arn("elasticache", f"replicationgroup:{identity}"), "primaryEndpointAddress": f"master.{host}",
        "readerEndpointAddress": f"replica.{host}", "configurationEndpointAddress": f"clustercfg.{host}",
        "port": inputs.get("port", 6379),
    }  # fmt: skip


def live_cache(account: Account, identity: str, state: Properties) -> Properties:
    account("elasticache").describe_replication_groups(ReplicationGroupId=identity)
    return {}


def delete_cache(account: Account, identity: str, state: Properties) -> None:
    last = state.get("finalSnapshotIdentifier")
    account("elasticache").delete_replication_group(
        ReplicationGroupId=identity, **({"FinalSnapshotIdentifier": last} if last else {})
    )  # fmt: skip


def create_secret(account: Account, inputs: Properties) -> tuple[str, Properties]:
    made = account("secretsmanager").create_secret(Name=inputs["name"], Tags=account.tag_list(inputs))
    return made["ARN"], {"arn": made["ARN"]}


def live_secret(account: Account, identity: str, state: Properties) -> Properties:
    account("secretsmanager").describe_secret(SecretId=identity)
    return {}


def delete_secret(account: Account, identity: str, state: Properties) -> None:
    now = state.get("recoveryWindowInDays") == 0
    wait = {"ForceDeleteWithoutRecovery": True} if now else {"RecoveryWindowInDays": 7}
    account("secretsmanager").delete_secret(SecretId=identity, **wait)


def put_secret(account: Account, inputs: Properties) -> tuple[str, Properties]:
    made = account("secretsmanager").put_secret_value(SecretId=inputs["secretId"], SecretString=inputs["secretString"])
    return f"{made['ARN']}|{made['VersionId']}", {"arn": made["ARN"], "versionId": made["VersionId"]}


def setting(create: Create, read: Read = there, delete: str | None = None) -> Kind:
    """Of a bucket."""
    gone = dropped(delete) if delete else lambda account, identity, state: None
    return sub_resource(create, read, gone, ("bucket",))


KINDS |= {
    "aws:s3/bucket:Bucket": Kind(
        create_bucket, there, delete_bucket, update_bucket, ("bucket",), "bucket",
        ("arn", "bucketDomainName", "bucketRegionalDomainName", "bucketRegion"),
    ),
    "aws:s3/bucketVersioning:BucketVersioning": setting(put_versioning, live_versioning),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": setting(
        put_encryption, there, "delete_bucket_encryption"
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": setting(
        put_access_block, live_access_block, "delete_public_access_block"
    ),
    "aws:s3/bucketPolicy:BucketPolicy": setting(put_policy, live_policy, "delete_bucket_policy"),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": setting(put_ownership),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": setting(
        put_lifecycle, there, "delete_bucket_lifecycle"
    ),
    "aws:ecr/repository:Repository": Kind(
        create_repository, live_repository,
        lambda account, identity, state: account("ecr").delete_repository(
            repositoryName=identity, force=bool(state.get("forceDelete"))) and None,
        update_repository, ("name", "encryptionConfigurations"), "name", ("arn", "registryId", "repositoryUrl"),
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": sub_resource(put_repository_lifecycle, fixed=("repository",)),
    "aws:dynamodb/table:Table": Kind(
        create_table, live_table,
        lambda account, identity, state: account("dynamodb").delete_table(TableName=identity) and None, update_table,
        ("name", "hashKey", "rangeKey"), "name",
    ),
    "aws:rds/instance:Instance": Kind(
        create_database, live_database, delete_database, update_database,
        ("identifier", "engine", "dbName", "username", "dbSubnetGroupName", "storageEncrypted", "kmsKeyId"),
        "identifier", ("arn", "address", "endpoint", "port", "resourceId", "status", "masterUserSecrets"),
    ),
    "aws:rds/subnetGroup:SubnetGroup": subnet_group("rds", "DB"),
    "aws:rds/parameterGroup:ParameterGroup": Kind(
        create_parameters,
        lambda account, identity, state: account("rds").describe_db_parameter_groups(
            DBParameterGroupName=identity) and {},
        lambda account, identity, state: account("rds").delete_db_parameter_group(
            DBParameterGroupName=identity) and None,
        lambda account, identity, inputs: None, ("name", "family"), "name",
    ),
    "aws:elasticache/subnetGroup:SubnetGroup": subnet_group("elasticache", "Cache"),
    "aws:elasticache/replicationGroup:ReplicationGroup": Kind(
        create_cache, live_cache, delete_cache, lambda account, identity, inputs: None,
        ("replicationGroupId", "subnetGroupName", "atRestEncryptionEnabled", "kmsKeyId"), "replicationGroupId",
        ("arn", "primaryEndpointAddress", "readerEndpointAddress", "configurationEndpointAddress", "port"),
    ),
    "aws:elasticache/parameterGroup:ParameterGroup": stored(
        "parametergroup", ("name", "family"), lambda inputs: inputs["name"], "elasticache", "name"
    ),
    "aws:secretsmanager/secret:Secret": Kind(
        create_secret, live_secret, delete_secret, lambda account, identity, inputs: None, ("name",), "name",
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": sub_resource(put_secret, fixed=("secretId", "secretString")),
}  # fmt: skip
