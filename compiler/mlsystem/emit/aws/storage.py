"""The bucket that holds the workspace: every version of everything, encrypted, and nothing of it public."""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.emit.aws.account import Account
from mlsystem.emit.aws.keys import KEY
from mlsystem.emit.aws.resource import Policy, Ref, Resource, Statement, Value, interpolated

CONCERN = "storage"
BUCKET = Ref("workspace", "bucket")
OLD_DAYS, UNFINISHED_DAYS = 90, 7
"""How long what was overwritten or deleted can be brought back, and how long half of an upload is kept."""


def storage(account: Account) -> Iterator[Resource]:
    name = account.aws.bucket
    if name is None:
        return
    why = "Data, models, the ledger and the prediction logs."
    yield account.made("s3.Bucket", "workspace", CONCERN, {"bucket": name}, why=why, protect=True)
    settings: dict[str, tuple[str, dict[str, Value]]] = {
        "BucketVersioning": ("versions", {"versioning_configuration": {"status": "Enabled"}}),
        "BucketServerSideEncryptionConfiguration": ("encryption", {"rules": [encrypted()]}),
        "BucketPublicAccessBlock": ("private", private()),
        "BucketOwnershipControls": ("owner", {"rule": {"object_ownership": "BucketOwnerEnforced"}}),
        "BucketPolicy": ("tls", {"policy": Policy((only_tls(),))}),
    }
    for kind, (what, inputs) in settings.items():
        yield account.made(f"s3.{kind}", f"workspace-{what}", CONCERN, {"bucket": BUCKET, **inputs})
    inputs = {"bucket": BUCKET, "rules": [lifecycle()]}
    after = ("workspace-versions",)
    yield account.made("s3.BucketLifecycleConfiguration", "workspace-ages", CONCERN, inputs, depends_on=after)


def encrypted() -> dict[str, Value]:
    algorithm = {"sse_algorithm": "aws:kms", "kms_master_key_id": KEY}
    return {"apply_server_side_encryption_by_default": algorithm, "bucket_key_enabled": True}


def private() -> dict[str, Value]:
    names = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
    return dict.fromkeys(names, True)


def only_tls() -> Statement:
    bucket = Ref("workspace", "arn")
    return Statement(
        ("s3:*",), (bucket, interpolated(bucket, "/*")), "*", {"Bool": {"aws:SecureTransport": "false"}}, effect="Deny"
    )


def lifecycle() -> dict[str, Value]:
    return {
        "id": "old-versions",
        "status": "Enabled",
        "filter": {"prefix": ""},
        "noncurrent_version_expiration": {"noncurrent_days": OLD_DAYS},
        "abort_incomplete_multipart_upload": {"days_after_initiation": UNFINISHED_DAYS},
    }
