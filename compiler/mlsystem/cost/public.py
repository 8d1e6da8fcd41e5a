"""What is charged by public price lists, in US dollars before taxes, discounts and free tiers.

A month has 730 hours; GB are counted as GiB, as they are billed. Where a price has steps it is the first one, which
most pay. Network beyond what has a line here is nobody's estimate.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from mlsystem_runtime.contract.base import Struct

REGIONS: Final = ("us-east-1", "eu-west-1", "eu-central-1")
LIST: Final = "AWS price list"
CONFIRMED, REMEMBERED = date(2026, 4, 30), date(2025, 6, 30)
"""When prices were read in a second place, and when those were known that were not."""


class Quote(Struct):
    """What one `unit` costs. `dated` None: the file's own price. `verified`: read in a second place beside the list."""

    what: str
    unit: str
    dollars: Decimal
    source: str
    dated: date | None
    verified: bool


class Row(NamedTuple):
    """`prices` of REGIONS in that order; `?` marks one that was not verified, `-` one that is not known."""

    what: str
    unit: str
    prices: str


ROWS: Final[dict[str, Row]] = {
    "eks.cluster": Row("an EKS control plane, in standard support", "hour", "0.10 0.10 0.10"),
    "nat.hour": Row("a NAT gateway", "hour", "0.045 0.048 0.052"),
    "nat.data": Row("data through a NAT gateway", "GB", "0.045 0.048 0.052"),
    "endpoint.hour": Row("an interface endpoint in one zone", "hour", "0.01 0.011 0.012?"),
    "endpoint.data": Row("data through an interface endpoint", "GB", "0.01 0.01 0.01"),
    "ipv4": Row("a public IPv4 address", "hour", "0.005 0.005 0.005"),
    "ebs.gp3": Row("EBS, gp3", "GB-month", "0.08 0.088? 0.0952"),
    "efs.standard": Row("EFS, standard", "GB-month", "0.30 0.33? 0.36?"),
    "ecr.storage": Row("ECR", "GB-month", "0.10 0.10 0.10"),
    "s3.storage": Row("S3, standard", "GB-month", "0.023 0.023? 0.0245?"),
    "s3.writes": Row("S3: put, copy, list", "1,000 requests", "0.005 0.005? 0.0054?"),
    "s3.reads": Row("S3: get", "1,000 requests", "0.0004 0.0004? 0.00043?"),
    "dynamodb.writes": Row("DynamoDB on demand: writes of 1 KB", "million", "0.625 0.7065? 0.7625?"),
    "dynamodb.reads": Row("DynamoDB on demand: reads of 4 KB", "million", "0.125 0.1415? 0.1525?"),
    "dynamodb.storage": Row("DynamoDB, standard", "GB-month", "0.25 0.283? 0.306?"),
    "dynamodb.backup": Row("DynamoDB, recovery to a point in time", "GB-month", "0.20? - -"),
    "elasticache.cache.t4g.micro": Row("ElastiCache, cache.t4g.micro", "hour", "0.016 - -"),
    "elasticache.cache.t4g.small": Row("ElastiCache, cache.t4g.small", "hour", "0.032 - -"),
    "elasticache.cache.t4g.medium": Row("ElastiCache, cache.t4g.medium", "hour", "0.065 - -"),
    "elasticache.backup": Row("ElastiCache, snapshots", "GB-month", "0.085 0.085? 0.085?"),
    "rds.postgres.db.t4g.micro": Row("RDS for PostgreSQL, db.t4g.micro in one zone", "hour", "0.016 - -"),
    "rds.postgres.db.t4g.small": Row("RDS for PostgreSQL, db.t4g.small in one zone", "hour", "0.032 - -"),
    "rds.postgres.db.t4g.medium": Row("RDS for PostgreSQL, db.t4g.medium in one zone", "hour", "0.065 - -"),
    "rds.gp3": Row("RDS storage, gp3 in one zone", "GB-month", "0.115 0.127? 0.137?"),
    "logs.ingested": Row("CloudWatch Logs: data taken in", "GB", "0.50 0.57? 0.63"),
    "logs.stored": Row("CloudWatch Logs: data kept, compressed", "GB-month", "0.03 0.03? 0.0324?"),
    "kms.key": Row("a KMS key", "month", "1.00 1.00 1.00"),
    "kms.requests": Row("requests to KMS", "10,000 requests", "0.03 0.03 0.03"),
    "lb.network": Row("a network load balancer", "hour", "0.0225 0.0252? 0.027?"),
    "lb.network.units": Row("capacity units of a network load balancer", "unit-hour", "0.006 0.006? 0.006?"),
    "lb.application": Row("an application load balancer", "hour", "0.0225 0.0252? 0.027?"),
    "lb.application.units": Row("capacity units of an application load balancer", "unit-hour", "0.008 0.008? 0.008?"),
    "secret": Row("a secret in Secrets Manager", "month", "0.40 0.40 0.40"),
    "transfer.internet": Row("data to the internet", "GB", "0.09 0.09? 0.09?"),
    "transfer.zones": Row("data between zones", "GB", "0.02 0.02? 0.02?"),
}  # fmt: skip
"""By the name under which `environments.ENV.prices.items` may give another price."""


def quotes(region: str) -> dict[str, Quote]:
    """All that is known of a region; nothing of one that is not in REGIONS."""
    found = ((name, quote(row, region)) for name, row in ROWS.items())
    return {name: one for name, one in found if one is not None}


def quote(row: Row, region: str) -> Quote | None:
    if region not in REGIONS:
        return None
    price = row.prices.split()[REGIONS.index(region)]
    if price == "-":
        return None
    verified = not price.endswith("?")
    dated = CONFIRMED if verified else REMEMBERED
    return Quote(row.what, row.unit, Decimal(price.rstrip("?")), f"{LIST}, {region}", dated, verified)
