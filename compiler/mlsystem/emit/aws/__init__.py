"""What lies below the cluster in an AWS account: values first, printed as a Pulumi program by `emit.pulumi_aws`."""
