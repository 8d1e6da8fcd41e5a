"""What the stand-in answers when a program asks the account instead of making something."""

from __future__ import annotations

from collections.abc import Callable

from engines.aws.cluster import outputs_of
from engines.aws.kinds import Account, short
from engines.provider_protocol import Properties

Question = Callable[[Account, Properties], Properties]


def caller(account: Account, asked: Properties) -> Properties:
    return {
        "id": account.number,
        "accountId": account.number,
        "arn": account.arn("iam", "root", region=False),
        "userId": "x",
    }


def region(account: Account, asked: Properties) -> Properties:
    return {"id": account.region, "name": account.region, "region": account.region, "endpoint": "", "description": ""}


def partition(account: Account, asked: Properties) -> Properties:
    return {"id": "aws", "partition": "aws", "dnsSuffix": "amazonaws.com", "reverseDnsPrefix": "com.amazonaws"}


def zones(account: Account, asked: Properties) -> Properties:
    found = account("ec2").describe_availability_zones()["AvailabilityZones"]
    names = [one["ZoneName"] for one in found]
    return {"id": account.region, "names": names, "zoneIds": [one["ZoneId"] for one in found], "groupNames": []}


def cluster(account: Account, asked: Properties) -> Properties:
    found = account("eks").describe_cluster(name=asked["name"])["cluster"]
    network = found["resourcesVpcConfig"]
    config = {"subnetIds": network.get("subnetIds", []), "securityGroupIds": [], "vpcId": network.get("vpcId", ""),
              "clusterSecurityGroupId": network.get("clusterSecurityGroupId", "")}  # fmt: skip
    more = {"id": asked["name"], "name": asked["name"], "roleArn": found["roleArn"], "vpcConfig": config}
    return {**outputs_of(found, account), **more, "version": found.get("version", "")}


def vpc(account: Account, asked: Properties) -> Properties:
    (found,) = account("ec2").describe_vpcs(VpcIds=[asked["id"]])["Vpcs"]
    return {"id": found["VpcId"], "cidrBlock": found["CidrBlock"], "arn": account.arn("ec2", f"vpc/{found['VpcId']}")}


def subnets(account: Account, asked: Properties) -> Properties:
    filters = [{"Name": one["name"], "Values": one["values"]} for one in asked.get("filters", ())]
    filters += [{"Name": f"tag:{key}", "Values": [value]} for key, value in asked.get("tags", {}).items()]
    found = account("ec2").describe_subnets(Filters=filters)["Subnets"]
    return {"id": account.region, "ids": sorted(one["SubnetId"] for one in found)}


def parameter(account: Account, asked: Properties) -> Properties:
    """Public parameters are AWS' own; their values are made up."""
    value = f"ami-{short(asked['name'])}"
    arn = account.arn("ssm", f"parameter{asked['name']}")
    return {"id": asked["name"], "name": asked["name"], "value": value, "insecureValue": value, "type": "String",
            "arn": arn, "version": 1}  # fmt: skip


def random_password(account: Account, asked: Properties) -> Properties:
    """Another one each time."""
    given = {name[0].upper() + name[1:]: value for name, value in asked.items()}
    made = account("secretsmanager").get_random_password(**given)["RandomPassword"]
    return {"id": account.region, "randomPassword": made, **asked}


QUESTIONS: dict[str, Question] = {
    "aws:index/getCallerIdentity:getCallerIdentity": caller,
    "aws:index/getRegion:getRegion": region,
    "aws:index/getPartition:getPartition": partition,
    "aws:index/getAvailabilityZones:getAvailabilityZones": zones,
    "aws:eks/getCluster:getCluster": cluster,
    "aws:ec2/getVpc:getVpc": vpc,
    "aws:ec2/getSubnets:getSubnets": subnets,
    "aws:ssm/getParameter:getParameter": parameter,
    "aws:secretsmanager/getRandomPassword:getRandomPassword": random_password,
}
