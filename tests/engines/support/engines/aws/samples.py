"""One small account with a resource of every kind that the stand-in knows; `{name.output}` stands for an output of an
earlier one."""

from __future__ import annotations

import json
from typing import Any

TRUST = json.dumps({
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
})  # fmt: skip
ALLOWS = json.dumps({
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::sample/*"}],
})  # fmt: skip
SECURE = json.dumps({
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::sample/*",
                   "Condition": {"Bool": {"aws:SecureTransport": "false"}}}],
})  # fmt: skip
KEEPS = json.dumps({
    "rules": [{"rulePriority": 1, "description": "old", "action": {"type": "expire"},
               "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days",
                             "countNumber": 14}}],
})  # fmt: skip
ANYWHERE = "0.0.0.0/0"

SAMPLES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("aws:ec2/vpc:Vpc", "net", {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True, "tags": {"Name": "net"}}),
    ("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "shut", {"vpcId": "{net.id}"}),
    ("aws:ec2/subnet:Subnet", "a", {"vpcId": "{net.id}", "cidrBlock": "10.0.0.0/20", "tags": {"Name": "a"},
                                    "availabilityZone": "eu-central-1a"}),
    ("aws:ec2/subnet:Subnet", "b", {"vpcId": "{net.id}", "cidrBlock": "10.0.16.0/20",
                                    "availabilityZone": "eu-central-1b", "mapPublicIpOnLaunch": True,
                                    "tags": {"Name": "b"}}),
    ("aws:ec2/internetGateway:InternetGateway", "out", {"vpcId": "{net.id}", "tags": {"Name": "out"}}),
    ("aws:ec2/eip:Eip", "address", {"domain": "vpc", "tags": {"Name": "address"}}),
    ("aws:ec2/natGateway:NatGateway", "nat", {"subnetId": "{b.id}", "allocationId": "{address.id}",
                                                 "tags": {"Name": "nat"}}),
    ("aws:ec2/routeTable:RouteTable", "table", {"vpcId": "{net.id}", "tags": {"Name": "table"}}),
    ("aws:ec2/route:Route", "way", {"routeTableId": "{table.id}", "destinationCidrBlock": ANYWHERE,
                                    "natGatewayId": "{nat.id}"}),
    ("aws:ec2/routeTableAssociation:RouteTableAssociation", "uses", {
        "routeTableId": "{table.id}", "subnetId": "{a.id}"}),
    ("aws:ec2/securityGroup:SecurityGroup", "group", {"vpcId": "{net.id}", "description": "nodes",
                                                           "tags": {"Name": "group"}}),
    ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "enters", {
        "securityGroupId": "{group.id}", "ipProtocol": "tcp", "fromPort": 443, "toPort": 443,
        "cidrIpv4": "10.0.0.0/16"}),
    ("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "leaves", {
        "securityGroupId": "{group.id}", "ipProtocol": "tcp", "fromPort": 443, "toPort": 443,
        "referencedSecurityGroupId": "{group.id}"}),
    ("aws:ec2/vpcEndpoint:VpcEndpoint", "bucket-way", {
        "vpcId": "{net.id}", "serviceName": "com.amazonaws.eu-central-1.s3", "vpcEndpointType": "Gateway",
        "routeTableIds": ["{table.id}"], "tags": {"Name": "bucket-way"}}),
    ("aws:cloudwatch/logGroup:LogGroup", "log", {"name": "/sample", "retentionInDays": 30}),
    ("aws:iam/role:Role", "role", {"name": "sample", "assumeRolePolicy": TRUST}),
    ("aws:ec2/flowLog:FlowLog", "flow", {
        "vpcId": "{net.id}", "trafficType": "ALL", "logDestinationType": "cloud-watch-logs",
        "logDestination": "{log.arn}", "iamRoleArn": "{role.arn}", "tags": {"Name": "flow"}}),
    ("aws:ec2/launchTemplate:LaunchTemplate", "template", {"name": "sample"}),
    ("aws:iam/rolePolicy:RolePolicy", "may", {"role": "sample", "policy": ALLOWS}),
    ("aws:iam/policy:Policy", "policy", {"policy": ALLOWS}),
    ("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "has", {
        "role": "sample", "policyArn": "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"}),
    ("aws:iam/instanceProfile:InstanceProfile", "profile", {"role": "sample"}),
    ("aws:iam/openIdConnectProvider:OpenIdConnectProvider", "issuer", {
        "url": "https://token.actions.githubusercontent.com", "clientIdLists": ["sts.amazonaws.com"]}),
    ("aws:kms/key:Key", "key", {"description": "data", "enableKeyRotation": True}),
    ("aws:kms/alias:Alias", "alias", {"name": "alias/sample", "targetKeyId": "{key.id}"}),
    ("aws:budgets/budget:Budget", "budget", {
        "budgetType": "COST", "timeUnit": "MONTHLY", "limitAmount": "400", "limitUnit": "USD"}),
    ("aws:sns/topic:Topic", "topic", {}),
    ("aws:sns/topicPolicy:TopicPolicy", "topic-policy", {"arn": "{topic.arn}", "policy": ALLOWS}),
    ("aws:sns/topicSubscription:TopicSubscription", "subscribes", {
        "topic": "{topic.arn}", "protocol": "email", "endpoint": "ml@example.com"}),
    ("aws:sqs/queue:Queue", "queue", {"name": "sample"}),
    ("aws:sqs/queuePolicy:QueuePolicy", "queue-policy", {"queueUrl": "{queue.url}", "policy": ALLOWS}),
    ("aws:cloudwatch/eventRule:EventRule", "rule", {"eventPattern": '{"source": ["aws.ec2"]}'}),
    ("aws:cloudwatch/eventTarget:EventTarget", "target", {"rule": "{rule.id}", "arn": "{queue.arn}"}),
    ("aws:s3/bucket:Bucket", "bucket", {"bucket": "sample", "tags": {"holds": "data"}}),
    ("aws:s3/bucketVersioning:BucketVersioning", "versions", {
        "bucket": "{bucket.id}", "versioningConfiguration": {"status": "Enabled"}}),
    ("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", "encrypts", {
        "bucket": "{bucket.id}", "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"},
                                            "bucketKeyEnabled": True}]}),
    ("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "private", {
        "bucket": "{bucket.id}", "blockPublicAcls": True, "restrictPublicBuckets": True}),
    ("aws:s3/bucketPolicy:BucketPolicy", "tls", {"bucket": "{bucket.id}", "policy": SECURE}),
    ("aws:s3/bucketOwnershipControls:BucketOwnershipControls", "owner", {
        "bucket": "{bucket.id}", "rule": {"objectOwnership": "BucketOwnerEnforced"}}),
    ("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "ages", {
        "bucket": "{bucket.id}", "rules": [{"id": "old", "status": "Enabled", "filter": {"prefix": "logs/"},
                                            "noncurrentVersionExpiration": {"noncurrentDays": 30}}]}),
    ("aws:ecr/repository:Repository", "images", {
        "name": "sample/server", "imageTagMutability": "IMMUTABLE",
        "imageScanningConfiguration": {"scanOnPush": True}}),
    ("aws:ecr/lifecyclePolicy:LifecyclePolicy", "keeps", {"repository": "{images.id}", "policy": KEEPS}),
    ("aws:dynamodb/table:Table", "online", {
        "name": "sample", "hashKey": "key", "attributes": [{"name": "key", "type": "S"}],
        "billingMode": "PAY_PER_REQUEST", "ttl": {"enabled": True, "attributeName": "expires"},
        "pointInTimeRecovery": {"enabled": True}}),
    ("aws:rds/subnetGroup:SubnetGroup", "places", {"subnetIds": ["{a.id}", "{b.id}"]}),
    ("aws:rds/parameterGroup:ParameterGroup", "parameters", {"family": "postgres17"}),
    ("aws:rds/instance:Instance", "database", {
        "identifier": "sample", "engine": "postgres", "instanceClass": "db.t4g.micro", "allocatedStorage": 20,
        "username": "mlflow", "manageMasterUserPassword": True, "dbSubnetGroupName": "{places.id}",
        "storageEncrypted": True, "finalSnapshotIdentifier": "sample-last"}),
    ("aws:elasticache/subnetGroup:SubnetGroup", "cache-places", {"subnetIds": ["{a.id}"]}),
    ("aws:elasticache/parameterGroup:ParameterGroup", "cache-parameters", {"family": "redis7"}),
    ("aws:elasticache/replicationGroup:ReplicationGroup", "cache", {
        "replicationGroupId": "sample", "description": "online", "engine": "redis", "nodeType": "cache.t4g.micro",
        "subnetGroupName": "{cache-places.id}", "transitEncryptionEnabled": True}),
    ("aws:secretsmanager/secret:Secret", "secret", {"name": "sample", "recoveryWindowInDays": 0}),
    ("aws:secretsmanager/secretVersion:SecretVersion", "value", {"secretId": "{secret.id}", "secretString": "not one"}),
    ("aws:eks/cluster:Cluster", "cluster", {
        "name": "sample", "roleArn": "{role.arn}", "version": "1.33",
        "vpcConfig": {"subnetIds": ["{a.id}", "{b.id}"], "endpointPrivateAccess": True}}),
    ("aws:eks/nodeGroup:NodeGroup", "nodes", {
        "clusterName": "{cluster.id}", "nodeGroupName": "gpu", "nodeRoleArn": "{role.arn}", "subnetIds": ["{a.id}"],
        "scalingConfig": {"minSize": 0, "maxSize": 3, "desiredSize": 0}, "capacityType": "SPOT",
        "amiType": "AL2023_x86_64_NVIDIA", "instanceTypes": ["g5.xlarge"]}),
    ("aws:eks/addon:Addon", "agent", {"clusterName": "{cluster.id}", "addonName": "eks-pod-identity-agent"}),
    ("aws:eks/podIdentityAssociation:PodIdentityAssociation", "pod", {
        "clusterName": "{cluster.id}", "namespace": "ml", "serviceAccount": "server", "roleArn": "{role.arn}"}),
    ("aws:eks/accessEntry:AccessEntry", "entry", {"clusterName": "{cluster.id}", "principalArn": "{role.arn}"}),
    ("aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "access", {
        "clusterName": "{cluster.id}", "principalArn": "{role.arn}", "accessScope": {"type": "cluster"},
        "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"}),
)  # fmt: skip
