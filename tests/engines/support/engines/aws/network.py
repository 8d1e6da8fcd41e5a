"""VPC and what is in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engines.aws.kinds import KINDS, Account, Kind, absent, nothing, pascal, short, sub_resource
from engines.provider_protocol import Properties


def tagged(account: Account, kind: str, inputs: Properties) -> dict[str, Any]:
    tags = account.tag_list(inputs)
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tags}]} if tags else {}


def live_tags(account: Account, found: Properties) -> Properties:
    tags = {one["Key"]: one["Value"] for one in found.get("Tags", ())}
    return {"tags": {key: value for key, value in tags.items() if account.tags.get(key) != value}}


def retag(account: Account, identity: str, inputs: Properties) -> None:
    account("ec2").create_tags(Resources=[identity], Tags=account.tag_list(inputs))


def read_by(operation: str, many: str, asked: str, *names: str) -> Callable[[Account, str, Properties], Properties]:
    """Of `describe_…`: the first, with `names` of its fields and its tags, where tags were given."""

    def read(account: Account, identity: str, state: Properties) -> Properties:
        found = getattr(account("ec2"), operation)(**{asked: [identity]})[many][0]
        if found.get("State") == "deleted":
            raise absent(identity)
        live = {name: found[name[0].upper() + name[1:]] for name in names if name[0].upper() + name[1:] in found}
        return {**live, **(live_tags(account, found) if "tags" in state else {})}

    return read


def create_vpc(account: Account, inputs: Properties) -> tuple[str, Properties]:
    ec2 = account("ec2")
    made = ec2.create_vpc(CidrBlock=inputs["cidrBlock"], **tagged(account, "vpc", inputs))["Vpc"]["VpcId"]
    set_dns(account, made, inputs)
    filters = [{"Name": "vpc-id", "Values": [made]}]
    group = ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"]
    table = ec2.describe_route_tables(Filters=filters)["RouteTables"][0]["RouteTableId"]
    return made, {
        "arn": account.arn("ec2", f"vpc/{made}"), "ownerId": account.number, "defaultSecurityGroupId": group,
        "mainRouteTableId": table, "defaultRouteTableId": table,
    }  # fmt: skip


def set_dns(account: Account, identity: str, inputs: Properties) -> None:
    for name in ("enableDnsSupport", "enableDnsHostnames"):
        if name in inputs:
            value = {name[0].upper() + name[1:]: {"Value": inputs[name]}}
            account("ec2").modify_vpc_attribute(VpcId=identity, **value)


def update_vpc(account: Account, identity: str, inputs: Properties) -> None:
    set_dns(account, identity, inputs)
    retag(account, identity, inputs)


def create_subnet(account: Account, inputs: Properties) -> tuple[str, Properties]:
    asked = pascal(inputs, "vpcId", "cidrBlock", "availabilityZone")
    made = account("ec2").create_subnet(**asked, **tagged(account, "subnet", inputs))["Subnet"]
    if inputs.get("mapPublicIpOnLaunch"):
        account("ec2").modify_subnet_attribute(SubnetId=made["SubnetId"], MapPublicIpOnLaunch={"Value": True})
    return made["SubnetId"], {"arn": made["SubnetArn"], "availabilityZone": made["AvailabilityZone"]}


def create_internet_gateway(account: Account, inputs: Properties) -> tuple[str, Properties]:
    made = account("ec2").create_internet_gateway(**tagged(account, "internet-gateway", inputs))["InternetGateway"]
    identity = made["InternetGatewayId"]
    if "vpcId" in inputs:
        account("ec2").attach_internet_gateway(InternetGatewayId=identity, VpcId=inputs["vpcId"])
    return identity, {"arn": account.arn("ec2", f"internet-gateway/{identity}")}


def delete_internet_gateway(account: Account, identity: str, state: Properties) -> None:
    account("ec2").detach_internet_gateway(InternetGatewayId=identity, VpcId=state["vpcId"])
    account("ec2").delete_internet_gateway(InternetGatewayId=identity)


def create_address(account: Account, inputs: Properties) -> tuple[str, Properties]:
    made = account("ec2").allocate_address(Domain="vpc", **tagged(account, "elastic-ip", inputs))
    return made["AllocationId"], {"allocationId": made["AllocationId"], "publicIp": made["PublicIp"]}


def create_nat_gateway(account: Account, inputs: Properties) -> tuple[str, Properties]:
    asked = pascal(inputs, "subnetId", "allocationId", "connectivityType")
    made = account("ec2").create_nat_gateway(**asked, **tagged(account, "natgateway", inputs))["NatGateway"]
    return made["NatGatewayId"], {"publicIp": "198.51.100.1"}


def create_route_table(account: Account, inputs: Properties) -> tuple[str, Properties]:
    asked = {"VpcId": inputs["vpcId"], **tagged(account, "route-table", inputs)}
    identity = account("ec2").create_route_table(**asked)["RouteTable"]["RouteTableId"]
    for one in inputs.get("routes", ()):
        create_route(account, {**one, "routeTableId": identity, "destinationCidrBlock": one["cidrBlock"]})
    return identity, {"arn": account.arn("ec2", f"route-table/{identity}")}


def create_route(account: Account, inputs: Properties) -> tuple[str, Properties]:
    names = ("routeTableId", "destinationCidrBlock", "gatewayId", "natGatewayId", "vpcEndpointId")
    account("ec2").create_route(**pascal(inputs, *names))
    return f"r-{inputs['routeTableId']}-{short(inputs['destinationCidrBlock'])[:9]}", {"state": "active"}


def delete_route(account: Account, identity: str, state: Properties) -> None:
    account("ec2").delete_route(**pascal(state, "routeTableId", "destinationCidrBlock"))


def associate(account: Account, inputs: Properties) -> tuple[str, Properties]:
    made = account("ec2").associate_route_table(**pascal(inputs, "routeTableId", "subnetId", "gatewayId"))
    return made["AssociationId"], {}


def live_association(account: Account, identity: str, state: Properties) -> Properties:
    filters = [{"Name": "association.route-table-association-id", "Values": [identity]}]
    if not account("ec2").describe_route_tables(Filters=filters)["RouteTables"]:
        raise absent(identity)
    return {}


def create_endpoint(account: Account, inputs: Properties) -> tuple[str, Properties]:
    names = ("vpcId", "serviceName", "vpcEndpointType", "routeTableIds", "subnetIds", "securityGroupIds",
             "privateDnsEnabled")  # fmt: skip
    asked = {**pascal(inputs, *names), **({"PolicyDocument": inputs["policy"]} if "policy" in inputs else {})}
    made = account("ec2").create_vpc_endpoint(**asked, **tagged(account, "vpc-endpoint", inputs))["VpcEndpoint"]
    identity = made["VpcEndpointId"]
    return identity, {"arn": account.arn("ec2", f"vpc-endpoint/{identity}"), "state": "available"}


def update_endpoint(account: Account, identity: str, inputs: Properties) -> None:
    if "policy" in inputs:
        account("ec2").modify_vpc_endpoint(VpcEndpointId=identity, PolicyDocument=inputs["policy"])
    retag(account, identity, inputs)


def create_group(account: Account, inputs: Properties) -> tuple[str, Properties]:
    asked = {"GroupName": inputs["name"], "Description": inputs.get("description", "Managed by Pulumi")}
    asked |= pascal(inputs, "vpcId")
    identity = account("ec2").create_security_group(**asked, **tagged(account, "security-group", inputs))["GroupId"]
    for way in ("ingress", "egress"):
        for rule in inputs.get(way, ()):
            change = getattr(account("ec2"), f"authorize_security_group_{way}")
            change(GroupId=identity, IpPermissions=[inline(rule)])
    return identity, {"arn": account.arn("ec2", f"security-group/{identity}"), "ownerId": account.number}


def inline(rule: Properties) -> dict[str, Any]:
    ranges = [{"CidrIp": one} for one in rule.get("cidrBlocks", ())]
    groups = [{"GroupId": one} for one in rule.get("securityGroups", ())]
    return {
        "IpProtocol": rule["protocol"], "FromPort": rule["fromPort"], "ToPort": rule["toPort"],
        "IpRanges": ranges, "UserIdGroupPairs": groups,
    }  # fmt: skip


def rule_kind(way: str) -> Kind:
    def create(account: Account, inputs: Properties) -> tuple[str, Properties]:
        asked = pascal(inputs, "ipProtocol", "fromPort", "toPort")
        if "cidrIpv4" in inputs:
            asked["IpRanges"] = [{"CidrIp": inputs["cidrIpv4"]}]
        if "referencedSecurityGroupId" in inputs:
            asked["UserIdGroupPairs"] = [{"GroupId": inputs["referencedSecurityGroupId"]}]
        change = getattr(account("ec2"), f"authorize_security_group_{way}")
        made = change(GroupId=inputs["securityGroupId"], IpPermissions=[asked])["SecurityGroupRules"][0]
        identity = made["SecurityGroupRuleId"]
        return identity, {"arn": account.arn("ec2", f"security-group-rule/{identity}"), "securityGroupRuleId": identity}

    def delete(account: Account, identity: str, state: Properties) -> None:
        change = getattr(account("ec2"), f"revoke_security_group_{way}")
        change(GroupId=state["securityGroupId"], SecurityGroupRuleIds=[identity])

    def read(account: Account, identity: str, state: Properties) -> Properties:
        account("ec2").describe_security_group_rules(SecurityGroupRuleIds=[identity])["SecurityGroupRules"][0]
        return {}

    fixed = ("securityGroupId", "ipProtocol", "fromPort", "toPort", "cidrIpv4", "referencedSecurityGroupId")
    return Kind(create, read, delete, nothing, fixed=fixed)


def create_flow_log(account: Account, inputs: Properties) -> tuple[str, Properties]:
    kinds = {"vpcId": "VPC", "subnetId": "Subnet", "eniId": "NetworkInterface"}
    (of,) = [name for name in kinds if name in inputs]
    asked = {"ResourceIds": [inputs[of]], "ResourceType": kinds[of], "TrafficType": inputs.get("trafficType", "ALL")}
    asked |= {
        api: inputs[name]
        for name, api in (
            ("logDestination", "LogDestination"), ("logDestinationType", "LogDestinationType"),
            ("iamRoleArn", "DeliverLogsPermissionArn"), ("maxAggregationInterval", "MaxAggregationInterval"),
        )
        if name in inputs
    }  # fmt: skip
    made = account("ec2").create_flow_logs(**asked, **tagged(account, "vpc-flow-log", inputs))
    assert made.get("FlowLogIds"), made.get("Unsuccessful")
    identity = made["FlowLogIds"][0]
    return identity, {"arn": account.arn("ec2", f"vpc-flow-log/{identity}")}


def adopt_default_group(account: Account, inputs: Properties) -> tuple[str, Properties]:
    filters = [{"Name": "vpc-id", "Values": [inputs["vpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
    identity = account("ec2").describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"]
    return identity, {"arn": account.arn("ec2", f"security-group/{identity}")}


def create_template(account: Account, inputs: Properties) -> tuple[str, Properties]:
    made = account("ec2").create_launch_template(
        LaunchTemplateName=inputs["name"], LaunchTemplateData=template_data(inputs),
        **tagged(account, "launch-template", inputs),
    )["LaunchTemplate"]  # fmt: skip
    identity = made["LaunchTemplateId"]
    return identity, {"arn": account.arn("ec2", f"launch-template/{identity}"), "latestVersion": 1, "defaultVersion": 1}


def template_data(inputs: Properties) -> dict[str, Any]:
    data = pascal(inputs, "imageId", "userData", "ebsOptimized")
    return data or {"EbsOptimized": True}


def update_template(account: Account, identity: str, inputs: Properties) -> None:
    account("ec2").create_launch_template_version(LaunchTemplateId=identity, LaunchTemplateData=template_data(inputs))


def delete_by(operation: str, name: str) -> Callable[[Account, str, Properties], None]:
    return lambda account, identity, state: getattr(account("ec2"), operation)(**{name: identity}) and None


KINDS |= {
    "aws:ec2/vpc:Vpc": Kind(
        create_vpc, read_by("describe_vpcs", "Vpcs", "VpcIds", "cidrBlock"), delete_by("delete_vpc", "VpcId"),
        update_vpc, ("cidrBlock", "instanceTenancy"),
        computed=("arn", "ownerId", "defaultSecurityGroupId", "mainRouteTableId", "defaultRouteTableId"),
    ),
    "aws:ec2/subnet:Subnet": Kind(
        create_subnet,
        read_by("describe_subnets", "Subnets", "SubnetIds", "cidrBlock", "availabilityZone", "vpcId"),
        delete_by("delete_subnet", "SubnetId"), retag, ("vpcId", "cidrBlock", "availabilityZone"),
    ),
    "aws:ec2/internetGateway:InternetGateway": Kind(
        create_internet_gateway, read_by("describe_internet_gateways", "InternetGateways", "InternetGatewayIds"),
        delete_internet_gateway, retag, ("vpcId",),
    ),
    "aws:ec2/eip:Eip": Kind(
        create_address, read_by("describe_addresses", "Addresses", "AllocationIds"),
        delete_by("release_address", "AllocationId"), retag, ("domain",), computed=("allocationId", "publicIp"),
    ),
    "aws:ec2/natGateway:NatGateway": Kind(
        create_nat_gateway, read_by("describe_nat_gateways", "NatGateways", "NatGatewayIds", "subnetId"),
        delete_by("delete_nat_gateway", "NatGatewayId"), retag, ("subnetId", "allocationId", "connectivityType"),
        computed=("publicIp",),
    ),
    "aws:ec2/routeTable:RouteTable": Kind(
        create_route_table, read_by("describe_route_tables", "RouteTables", "RouteTableIds", "vpcId"),
        delete_by("delete_route_table", "RouteTableId"), retag, ("vpcId",),
    ),
    "aws:ec2/route:Route": Kind(
        create_route, lambda account, identity, state: {}, delete_route, nothing,
        ("routeTableId", "destinationCidrBlock", "gatewayId", "natGatewayId"), computed=("state",),
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Kind(
        associate, live_association, delete_by("disassociate_route_table", "AssociationId"), nothing,
        ("routeTableId", "subnetId"), computed=(),
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": Kind(
        create_endpoint, read_by("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointIds", "vpcId", "serviceName"),
        lambda account, identity, state: account("ec2").delete_vpc_endpoints(VpcEndpointIds=[identity]) and None,
        update_endpoint, ("vpcId", "serviceName", "vpcEndpointType"), computed=("arn", "state"),
    ),
    "aws:ec2/securityGroup:SecurityGroup": Kind(
        create_group, read_by("describe_security_groups", "SecurityGroups", "GroupIds", "vpcId"),
        delete_by("delete_security_group", "GroupId"), retag, ("vpcId", "name", "description"), "name",
        ("arn", "ownerId"),
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": rule_kind("ingress"),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": rule_kind("egress"),
    "aws:ec2/flowLog:FlowLog": Kind(
        create_flow_log, read_by("describe_flow_logs", "FlowLogs", "FlowLogIds"),
        lambda account, identity, state: account("ec2").delete_flow_logs(FlowLogIds=[identity]) and None, retag,
        ("vpcId", "trafficType", "logDestination", "logDestinationType", "iamRoleArn"),
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": sub_resource(adopt_default_group, fixed=("vpcId",)),
    "aws:ec2/launchTemplate:LaunchTemplate": Kind(
        create_template, read_by("describe_launch_templates", "LaunchTemplates", "LaunchTemplateIds"),
        delete_by("delete_launch_template", "LaunchTemplateId"), update_template, ("name",), "name",
        ("arn", "latestVersion", "defaultVersion"),
    ),
}  # fmt: skip
