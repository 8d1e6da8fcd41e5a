"""Network."""

import pulumi
import pulumi_aws as aws

from foundation.account import account
from foundation.keys import key

vpc = aws.ec2.Vpc(
    "vpc",
    cidr_block="10.0.0.0/16",
    enable_dns_hostnames=True,
    enable_dns_support=True,
    tags={"Name": "flight-delay-prod"},
    opts=pulumi.ResourceOptions(provider=account),
)

way_out_address = aws.ec2.Eip(
    "way-out-address",
    domain="vpc",
    tags={"Name": "flight-delay-prod"},
    opts=pulumi.ResourceOptions(provider=account),
)

network_logs = aws.cloudwatch.LogGroup(
    "network-logs",
    name="/mlsystem/flight-delay-prod/network",
    retention_in_days=90,
    kms_key_id=key.arn,
    opts=pulumi.ResourceOptions(provider=account),
)

network_logs_writer = aws.iam.Role(
    "network-logs-writer",
    name="flight-delay-prod-network-logs",
    assume_role_policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
                    "Action": ["sts:AssumeRole"],
                    "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
                },
            ],
        },
    ),
    opts=pulumi.ResourceOptions(provider=account),
)

# What names no group of its own may talk to nobody.
nobody = aws.ec2.DefaultSecurityGroup(
    "nobody",
    vpc_id=vpc.id,
    opts=pulumi.ResourceOptions(provider=account),
)

private_a = aws.ec2.Subnet(
    "private-a",
    vpc_id=vpc.id,
    cidr_block="10.0.0.0/19",
    availability_zone="us-east-1a",
    map_public_ip_on_launch=False,
    tags={"Name": "flight-delay-prod-private-a", "kubernetes.io/role/internal-elb": "1"},
    opts=pulumi.ResourceOptions(provider=account),
)

private_b = aws.ec2.Subnet(
    "private-b",
    vpc_id=vpc.id,
    cidr_block="10.0.32.0/19",
    availability_zone="us-east-1b",
    map_public_ip_on_launch=False,
    tags={"Name": "flight-delay-prod-private-b", "kubernetes.io/role/internal-elb": "1"},
    opts=pulumi.ResourceOptions(provider=account),
)

private_c = aws.ec2.Subnet(
    "private-c",
    vpc_id=vpc.id,
    cidr_block="10.0.64.0/19",
    availability_zone="us-east-1c",
    map_public_ip_on_launch=False,
    tags={"Name": "flight-delay-prod-private-c", "kubernetes.io/role/internal-elb": "1"},
    opts=pulumi.ResourceOptions(provider=account),
)

public_a = aws.ec2.Subnet(
    "public-a",
    vpc_id=vpc.id,
    cidr_block="10.0.224.0/22",
    availability_zone="us-east-1a",
    map_public_ip_on_launch=False,
    tags={"Name": "flight-delay-prod-public-a", "kubernetes.io/role/elb": "1"},
    opts=pulumi.ResourceOptions(provider=account),
)

public_b = aws.ec2.Subnet(
    "public-b",
    vpc_id=vpc.id,
    cidr_block="10.0.228.0/22",
    availability_zone="us-east-1b",
    map_public_ip_on_launch=False,
    tags={"Name": "flight-delay-prod-public-b", "kubernetes.io/role/elb": "1"},
    opts=pulumi.ResourceOptions(provider=account),
)

public_c = aws.ec2.Subnet(
    "public-c",
    vpc_id=vpc.id,
    cidr_block="10.0.232.0/22",
    availability_zone="us-east-1c",
    map_public_ip_on_launch=False,
    tags={"Name": "flight-delay-prod-public-c", "kubernetes.io/role/elb": "1"},
    opts=pulumi.ResourceOptions(provider=account),
)

internet = aws.ec2.InternetGateway(
    "internet",
    vpc_id=vpc.id,
    tags={"Name": "flight-delay-prod"},
    opts=pulumi.ResourceOptions(provider=account),
)

to_services = aws.ec2.SecurityGroup(
    "to-services",
    vpc_id=vpc.id,
    description="To services of AWS, from within flight-delay-prod.",
    ingress=[
        {
            "protocol": "tcp",
            "from_port": 443,
            "to_port": 443,
            "description": "TLS from within the network.",
            "cidr_blocks": ["10.0.0.0/16"],
        },
    ],
    tags={"Name": "flight-delay-prod-endpoints"},
    opts=pulumi.ResourceOptions(provider=account),
)

network_logs_rights = aws.iam.RolePolicy(
    "network-logs-rights",
    role=network_logs_writer.id,
    policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": [
                        "logs:CreateLogStream",
                        "logs:PutLogEvents",
                        "logs:DescribeLogStreams",
                    ],
                    "Resource": [network_logs.arn, pulumi.Output.format("{0}:*", network_logs.arn)],
                },
            ],
        },
    ),
    opts=pulumi.ResourceOptions(provider=account),
)

flow_log = aws.ec2.FlowLog(
    "flow-log",
    vpc_id=vpc.id,
    traffic_type="ALL",
    log_destination=network_logs.arn,
    iam_role_arn=network_logs_writer.arn,
    tags={"Name": "flight-delay-prod"},
    opts=pulumi.ResourceOptions(provider=account),
)

way_out = aws.ec2.NatGateway(
    "way-out",
    allocation_id=way_out_address.id,
    subnet_id=public_a.id,
    tags={"Name": "flight-delay-prod"},
    opts=pulumi.ResourceOptions(provider=account, depends_on=[internet]),
)

public_routes = aws.ec2.RouteTable(
    "public-routes",
    vpc_id=vpc.id,
    routes=[{"cidr_block": "0.0.0.0/0", "gateway_id": internet.id}],
    tags={"Name": "flight-delay-prod-public"},
    opts=pulumi.ResourceOptions(provider=account),
)

to_ecr_api = aws.ec2.VpcEndpoint(
    "to-ecr-api",
    vpc_id=vpc.id,
    service_name="com.amazonaws.us-east-1.ecr.api",
    vpc_endpoint_type="Interface",
    tags={"Name": "flight-delay-prod-ecr.api"},
    subnet_ids=[private_a.id, private_b.id, private_c.id],
    security_group_ids=[to_services.id],
    private_dns_enabled=True,
    opts=pulumi.ResourceOptions(provider=account),
)

to_ecr_dkr = aws.ec2.VpcEndpoint(
    "to-ecr-dkr",
    vpc_id=vpc.id,
    service_name="com.amazonaws.us-east-1.ecr.dkr",
    vpc_endpoint_type="Interface",
    tags={"Name": "flight-delay-prod-ecr.dkr"},
    subnet_ids=[private_a.id, private_b.id, private_c.id],
    security_group_ids=[to_services.id],
    private_dns_enabled=True,
    opts=pulumi.ResourceOptions(provider=account),
)

to_eks_auth = aws.ec2.VpcEndpoint(
    "to-eks-auth",
    vpc_id=vpc.id,
    service_name="com.amazonaws.us-east-1.eks-auth",
    vpc_endpoint_type="Interface",
    tags={"Name": "flight-delay-prod-eks-auth"},
    subnet_ids=[private_a.id, private_b.id, private_c.id],
    security_group_ids=[to_services.id],
    private_dns_enabled=True,
    opts=pulumi.ResourceOptions(provider=account),
)

to_secretsmanager = aws.ec2.VpcEndpoint(
    "to-secretsmanager",
    vpc_id=vpc.id,
    service_name="com.amazonaws.us-east-1.secretsmanager",
    vpc_endpoint_type="Interface",
    tags={"Name": "flight-delay-prod-secretsmanager"},
    subnet_ids=[private_a.id, private_b.id, private_c.id],
    security_group_ids=[to_services.id],
    private_dns_enabled=True,
    opts=pulumi.ResourceOptions(provider=account),
)

private_routes = aws.ec2.RouteTable(
    "private-routes",
    vpc_id=vpc.id,
    routes=[{"cidr_block": "0.0.0.0/0", "nat_gateway_id": way_out.id}],
    tags={"Name": "flight-delay-prod-private"},
    opts=pulumi.ResourceOptions(provider=account),
)

public_a_routes = aws.ec2.RouteTableAssociation(
    "public-a-routes",
    subnet_id=public_a.id,
    route_table_id=public_routes.id,
    opts=pulumi.ResourceOptions(provider=account),
)

public_b_routes = aws.ec2.RouteTableAssociation(
    "public-b-routes",
    subnet_id=public_b.id,
    route_table_id=public_routes.id,
    opts=pulumi.ResourceOptions(provider=account),
)

public_c_routes = aws.ec2.RouteTableAssociation(
    "public-c-routes",
    subnet_id=public_c.id,
    route_table_id=public_routes.id,
    opts=pulumi.ResourceOptions(provider=account),
)

private_a_routes = aws.ec2.RouteTableAssociation(
    "private-a-routes",
    subnet_id=private_a.id,
    route_table_id=private_routes.id,
    opts=pulumi.ResourceOptions(provider=account),
)

private_b_routes = aws.ec2.RouteTableAssociation(
    "private-b-routes",
    subnet_id=private_b.id,
    route_table_id=private_routes.id,
    opts=pulumi.ResourceOptions(provider=account),
)

private_c_routes = aws.ec2.RouteTableAssociation(
    "private-c-routes",
    subnet_id=private_c.id,
    route_table_id=private_routes.id,
    opts=pulumi.ResourceOptions(provider=account),
)

to_s3 = aws.ec2.VpcEndpoint(
    "to-s3",
    vpc_id=vpc.id,
    service_name="com.amazonaws.us-east-1.s3",
    vpc_endpoint_type="Gateway",
    tags={"Name": "flight-delay-prod-s3"},
    route_table_ids=[private_routes.id],
    opts=pulumi.ResourceOptions(provider=account),
)

to_dynamodb = aws.ec2.VpcEndpoint(
    "to-dynamodb",
    vpc_id=vpc.id,
    service_name="com.amazonaws.us-east-1.dynamodb",
    vpc_endpoint_type="Gateway",
    tags={"Name": "flight-delay-prod-dynamodb"},
    route_table_ids=[private_routes.id],
    opts=pulumi.ResourceOptions(provider=account),
)
