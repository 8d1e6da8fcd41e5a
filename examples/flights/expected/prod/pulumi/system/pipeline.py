"""Pipeline."""

import pulumi
import pulumi_kubernetes as k8s

from system.access import pipeline_service_account
from system.cluster import cluster
from system.config import config_pipeline_config_map
from system.namespace import flight_delay_namespace

pipeline_workflow_template = k8s.apiextensions.CustomResource(
    "flight-delay-pipeline",
    api_version="argoproj.io/v1alpha1",
    kind="WorkflowTemplate",
    metadata={
        "name": "flight-delay-pipeline",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-prod",
            "app.kubernetes.io/component": "pipeline",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "prod",
        },
    },
    spec={
        "entrypoint": "all",
        "onExit": "end",
        "arguments": {
            "parameters": [
                {"name": "reason", "value": "submitted"},
                {"name": "proposes", "value": "0"},
                {"name": "model", "value": ""},
            ],
        },
        "serviceAccountName": "flight-delay-pipeline",
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "fsGroup": 65532,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "podSpecPatch": '{"enableServiceLinks": false}',
        "podMetadata": {
            "labels": {
                "app.kubernetes.io/name": "mlsystem",
                "app.kubernetes.io/instance": "flight-delay-prod",
                "app.kubernetes.io/component": "pipeline",
                "app.kubernetes.io/part-of": "flight-delay",
                "app.kubernetes.io/managed-by": "mlsystem",
                "mlsystem.dev/system": "flight-delay",
                "mlsystem.dev/environment": "prod",
            },
        },
        "volumes": [
            {"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}},
            {"name": "mirror", "emptyDir": {"sizeLimit": "20Gi"}},
        ],
        "workflowMetadata": {
            "labels": {
                "app.kubernetes.io/name": "mlsystem",
                "app.kubernetes.io/instance": "flight-delay-prod",
                "app.kubernetes.io/component": "pipeline",
                "app.kubernetes.io/part-of": "flight-delay",
                "app.kubernetes.io/managed-by": "mlsystem",
                "mlsystem.dev/system": "flight-delay",
                "mlsystem.dev/environment": "prod",
            },
        },
        "parallelism": 8,
        "activeDeadlineSeconds": 345600,
        "podGC": {"strategy": "OnWorkflowSuccess", "deleteDelayDuration": "1h"},
        "ttlStrategy": {"secondsAfterSuccess": 259200, "secondsAfterFailure": 1209600},
        "templates": [
            {
                "name": "all",
                "dag": {
                    "failFast": False,
                    "tasks": [
                        {"name": "begin", "template": "begin"},
                        {
                            "name": "ingest-flights",
                            "template": "step-1cpu-4gi",
                            "arguments": {
                                "parameters": [
                                    {"name": "step", "value": "ingest.flights"},
                                    {
                                        "name": "config",
                                        "value": "flight-delay-config-pipeline-2a7632b5",
                                    },
                                ],
                            },
                            "depends": "begin",
                        },
                        {
                            "name": "ingest-weather",
                            "template": "step-1cpu-4gi",
                            "arguments": {
                                "parameters": [
                                    {"name": "step", "value": "ingest.weather"},
                                    {
                                        "name": "config",
                                        "value": "flight-delay-config-pipeline-2a7632b5",
                                    },
                                ],
                            },
                            "depends": "begin",
                        },
                        {
                            "name": "materialize-aircraft-history",
                            "template": "step-1cpu-4gi",
                            "arguments": {
                                "parameters": [
                                    {"name": "step", "value": "materialize.aircraft_history"},
                                    {
                                        "name": "config",
                                        "value": "flight-delay-config-pipeline-2a7632b5",
                                    },
                                ],
                            },
                            "depends": "ingest-flights",
                        },
                        {
                            "name": "materialize-airport-weather",
                            "template": "step-1cpu-4gi",
                            "arguments": {
                                "parameters": [
                                    {"name": "step", "value": "materialize.airport_weather"},
                                    {
                                        "name": "config",
                                        "value": "flight-delay-config-pipeline-2a7632b5",
                                    },
                                ],
                            },
                            "depends": "ingest-weather",
                        },
                        {
                            "name": "materialize-carrier-history",
                            "template": "step-1cpu-4gi",
                            "arguments": {
                                "parameters": [
                                    {"name": "step", "value": "materialize.carrier_history"},
                                    {
                                        "name": "config",
                                        "value": "flight-delay-config-pipeline-2a7632b5",
                                    },
                                ],
                            },
                            "depends": "ingest-flights",
                        },
                        {
                            "name": "materialize-dest-history",
                            "template": "step-1cpu-4gi",
                            "arguments": {
                                "parameters": [
                                    {"name": "step", "value": "materialize.dest_history"},
                                    {
                                        "name": "config",
                                        "value": "flight-delay-config-pipeline-2a7632b5",
                                    },
                                ],
                            },
                            "depends": "ingest-flights",
                        },
                        {
                            "name": "materialize-flight-history",
                            "template": "step-1cpu-4gi",
                            "arguments": {
                                "parameters": [
                                    {"name": "step", "value": "materialize.flight_history"},
                                    {
                                        "name": "config",
                                        "value": "flight-delay-config-pipeline-2a7632b5",
                                    },
                                ],
                            },
                            "depends": "ingest-flights",
                        },
                        {
                            "name": "materialize-origin-history",
                            "template": "step-1cpu-4gi",
                            "arguments": {
                                "parameters": [
                                    {"name": "step", "value": "materialize.origin_history"},
                                    {
                                        "name": "config",
                                        "value": "flight-delay-config-pipeline-2a7632b5",
                                    },
                                ],
                            },
                            "depends": "ingest-flights",
                        },
                        {
                            "name": "features-main",
                            "template": "step-1cpu-4gi",
                            "arguments": {
                                "parameters": [
                                    {"name": "step", "value": "features.main"},
                                    {
                                        "name": "config",
                                        "value": "flight-delay-config-pipeline-main-e9d1b042",
                                    },
                                ],
                            },
                            "depends": "ingest-flights && ingest-weather",
                        },
                        {
                            "name": "train-main",
                            "template": "train-1cpu-4gi-loses-10m",
                            "arguments": {
                                "parameters": [
                                    {"name": "step", "value": "train.main"},
                                    {
                                        "name": "config",
                                        "value": "flight-delay-config-pipeline-main-e9d1b042",
                                    },
                                ],
                            },
                            "depends": "features-main",
                        },
                        {
                            "name": "evaluate-main",
                            "template": "step-1cpu-4gi",
                            "arguments": {
                                "parameters": [
                                    {"name": "step", "value": "evaluate.main"},
                                    {
                                        "name": "config",
                                        "value": "flight-delay-config-pipeline-main-e9d1b042",
                                    },
                                ],
                            },
                            "depends": "train-main && features-main && ingest-flights && ingest-weather",
                        },
                        {
                            "name": "register-main",
                            "template": "step-1cpu-4gi",
                            "arguments": {
                                "parameters": [
                                    {"name": "step", "value": "register.main"},
                                    {
                                        "name": "config",
                                        "value": "flight-delay-config-pipeline-main-e9d1b042",
                                    },
                                ],
                            },
                            "depends": "train-main && evaluate-main && features-main",
                        },
                    ],
                },
            },
            {
                "name": "model-main",
                "dag": {
                    "failFast": False,
                    "tasks": [
                        {"name": "begin", "template": "begin"},
                        {
                            "name": "ingest-flights",
                            "template": "step-1cpu-4gi",
                            "arguments": {
                                "parameters": [
                                    {"name": "step", "value": "ingest.flights"},
                                    {
                                        "name": "config",
                                        "value": "flight-delay-config-pipeline-2a7632b5",
                                    },
                                ],
                            },
                            "depends": "begin",
                        },
                        {
                            "name": "ingest-weather",
                            "template": "step-1cpu-4gi",
                            "arguments": {
                                "parameters": [
                                    {"name": "step", "value": "ingest.weather"},
                                    {
                                        "name": "config",
                                        "value": "flight-delay-config-pipeline-2a7632b5",
                                    },
                                ],
                            },
                            "depends": "begin",
                        },
                        {
                            "name": "features-main",
                            "template": "step-1cpu-4gi",
                            "arguments": {
                                "parameters": [
                                    {"name": "step", "value": "features.main"},
                                    {
                                        "name": "config",
                                        "value": "flight-delay-config-pipeline-main-e9d1b042",
                                    },
                                ],
                            },
                            "depends": "ingest-flights && ingest-weather",
                        },
                        {
                            "name": "train-main",
                            "template": "train-1cpu-4gi-loses-10m",
                            "arguments": {
                                "parameters": [
                                    {"name": "step", "value": "train.main"},
                                    {
                                        "name": "config",
                                        "value": "flight-delay-config-pipeline-main-e9d1b042",
                                    },
                                ],
                            },
                            "depends": "features-main",
                        },
                        {
                            "name": "evaluate-main",
                            "template": "step-1cpu-4gi",
                            "arguments": {
                                "parameters": [
                                    {"name": "step", "value": "evaluate.main"},
                                    {
                                        "name": "config",
                                        "value": "flight-delay-config-pipeline-main-e9d1b042",
                                    },
                                ],
                            },
                            "depends": "train-main && features-main && ingest-flights && ingest-weather",
                        },
                        {
                            "name": "register-main",
                            "template": "step-1cpu-4gi",
                            "arguments": {
                                "parameters": [
                                    {"name": "step", "value": "register.main"},
                                    {
                                        "name": "config",
                                        "value": "flight-delay-config-pipeline-main-e9d1b042",
                                    },
                                ],
                            },
                            "depends": "train-main && evaluate-main && features-main",
                        },
                    ],
                },
            },
            {
                "name": "refresh-15m",
                "dag": {
                    "failFast": False,
                    "tasks": [
                        {
                            "name": "ingest-flights",
                            "template": "step-1cpu-4gi",
                            "arguments": {
                                "parameters": [
                                    {"name": "step", "value": "ingest.flights"},
                                    {
                                        "name": "config",
                                        "value": "flight-delay-config-pipeline-2a7632b5",
                                    },
                                ],
                            },
                        },
                        {
                            "name": "ingest-weather",
                            "template": "step-1cpu-4gi",
                            "arguments": {
                                "parameters": [
                                    {"name": "step", "value": "ingest.weather"},
                                    {
                                        "name": "config",
                                        "value": "flight-delay-config-pipeline-2a7632b5",
                                    },
                                ],
                            },
                        },
                        {
                            "name": "materialize-aircraft-history",
                            "template": "step-1cpu-4gi",
                            "arguments": {
                                "parameters": [
                                    {"name": "step", "value": "materialize.aircraft_history"},
                                    {
                                        "name": "config",
                                        "value": "flight-delay-config-pipeline-2a7632b5",
                                    },
                                ],
                            },
                            "depends": "ingest-flights",
                        },
                        {
                            "name": "materialize-airport-weather",
                            "template": "step-1cpu-4gi",
                            "arguments": {
                                "parameters": [
                                    {"name": "step", "value": "materialize.airport_weather"},
                                    {
                                        "name": "config",
                                        "value": "flight-delay-config-pipeline-2a7632b5",
                                    },
                                ],
                            },
                            "depends": "ingest-weather",
                        },
                        {
                            "name": "materialize-carrier-history",
                            "template": "step-1cpu-4gi",
                            "arguments": {
                                "parameters": [
                                    {"name": "step", "value": "materialize.carrier_history"},
                                    {
                                        "name": "config",
                                        "value": "flight-delay-config-pipeline-2a7632b5",
                                    },
                                ],
                            },
                            "depends": "ingest-flights",
                        },
                        {
                            "name": "materialize-dest-history",
                            "template": "step-1cpu-4gi",
                            "arguments": {
                                "parameters": [
                                    {"name": "step", "value": "materialize.dest_history"},
                                    {
                                        "name": "config",
                                        "value": "flight-delay-config-pipeline-2a7632b5",
                                    },
                                ],
                            },
                            "depends": "ingest-flights",
                        },
                        {
                            "name": "materialize-flight-history",
                            "template": "step-1cpu-4gi",
                            "arguments": {
                                "parameters": [
                                    {"name": "step", "value": "materialize.flight_history"},
                                    {
                                        "name": "config",
                                        "value": "flight-delay-config-pipeline-2a7632b5",
                                    },
                                ],
                            },
                            "depends": "ingest-flights",
                        },
                        {
                            "name": "materialize-origin-history",
                            "template": "step-1cpu-4gi",
                            "arguments": {
                                "parameters": [
                                    {"name": "step", "value": "materialize.origin_history"},
                                    {
                                        "name": "config",
                                        "value": "flight-delay-config-pipeline-2a7632b5",
                                    },
                                ],
                            },
                            "depends": "ingest-flights",
                        },
                    ],
                },
            },
            {
                "name": "step-1cpu-4gi",
                "inputs": {"parameters": [{"name": "step"}, {"name": "config"}]},
                "volumes": [
                    {"name": "config", "configMap": {"name": "{{inputs.parameters.config}}"}},
                ],
                "activeDeadlineSeconds": 21600,
                "retryStrategy": {
                    "limit": "3",
                    "retryPolicy": "Always",
                    "expression": "lastRetry.status == 'Error' || (lastRetry.exitCode in ['-1', '75', '137', '143'] && !(lastRetry.message matches 'OOMKilled|longer than the specified deadline'))",
                    "backoff": {"duration": "10s", "factor": "2", "cap": "5m"},
                },
                "container": {
                    "image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/flight-delay-prod/flight-delay/trainer:sha256-of-trainer",
                    "imagePullPolicy": "IfNotPresent",
                    "command": [
                        "python",
                        "-m",
                        "mlsystem_runtime",
                        "step",
                        "{{inputs.parameters.step}}",
                        "--config",
                        "/etc/mlsystem/run.json",
                        "--workspace",
                        "s3://flight-delay-prod-123456789012",
                        "--release",
                        "configmap://flight-delay/flight-delay-release",
                        "--run-id",
                        "{{workflow.name}}",
                    ],
                    "env": [
                        {"name": "MLSYSTEM_MIRROR", "value": "/var/lib/mlsystem/mirror"},
                        {
                            "name": "MLSYSTEM_ONLINE_STORE",
                            "valueFrom": {
                                "secretKeyRef": {
                                    "name": "flight-delay-prod",
                                    "key": "ONLINE_STORE_URL",
                                },
                            },
                        },
                        {
                            "name": "MLFLOW_TRACKING_URI",
                            "value": "http://flight-delay-tracking:5000",
                        },
                        {"name": "MLSYSTEM_PROPOSES", "value": "{{workflow.parameters.proposes}}"},
                    ],
                    "resources": {
                        "requests": {"cpu": "1", "memory": "4Gi"},
                        "limits": {"cpu": "1", "memory": "4Gi"},
                    },
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "volumeMounts": [
                        {"name": "config", "mountPath": "/etc/mlsystem", "readOnly": True},
                        {"name": "tmp", "mountPath": "/tmp"},
                        {"name": "mirror", "mountPath": "/var/lib/mlsystem/mirror"},
                    ],
                },
                "nodeSelector": {"mlsystem.dev/nodes": "pipeline"},
                "tolerations": [
                    {
                        "key": "mlsystem.dev/nodes",
                        "operator": "Equal",
                        "value": "pipeline",
                        "effect": "NoSchedule",
                    },
                ],
            },
            {
                "name": "train-1cpu-4gi-loses-10m",
                "inputs": {"parameters": [{"name": "step"}, {"name": "config"}]},
                "volumes": [
                    {"name": "config", "configMap": {"name": "{{inputs.parameters.config}}"}},
                ],
                "activeDeadlineSeconds": 259200,
                "retryStrategy": {
                    "limit": "10",
                    "retryPolicy": "Always",
                    "expression": "lastRetry.status == 'Error' || (lastRetry.exitCode in ['-1', '75', '137', '143'] && !(lastRetry.message matches 'OOMKilled|longer than the specified deadline'))",
                    "backoff": {"duration": "10s", "factor": "2", "cap": "5m"},
                },
                "container": {
                    "image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/flight-delay-prod/flight-delay/trainer:sha256-of-trainer",
                    "imagePullPolicy": "IfNotPresent",
                    "command": [
                        "python",
                        "-m",
                        "mlsystem_runtime",
                        "step",
                        "{{inputs.parameters.step}}",
                        "--config",
                        "/etc/mlsystem/run.json",
                        "--workspace",
                        "s3://flight-delay-prod-123456789012",
                        "--release",
                        "configmap://flight-delay/flight-delay-release",
                        "--run-id",
                        "{{workflow.name}}",
                    ],
                    "env": [
                        {"name": "MLSYSTEM_MIRROR", "value": "/var/lib/mlsystem/mirror"},
                        {
                            "name": "MLSYSTEM_ONLINE_STORE",
                            "valueFrom": {
                                "secretKeyRef": {
                                    "name": "flight-delay-prod",
                                    "key": "ONLINE_STORE_URL",
                                },
                            },
                        },
                        {
                            "name": "MLFLOW_TRACKING_URI",
                            "value": "http://flight-delay-tracking:5000",
                        },
                        {"name": "MLSYSTEM_PROPOSES", "value": "{{workflow.parameters.proposes}}"},
                    ],
                    "resources": {
                        "requests": {"cpu": "1", "memory": "4Gi"},
                        "limits": {"cpu": "1", "memory": "4Gi"},
                    },
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "volumeMounts": [
                        {"name": "config", "mountPath": "/etc/mlsystem", "readOnly": True},
                        {"name": "tmp", "mountPath": "/tmp"},
                        {"name": "mirror", "mountPath": "/var/lib/mlsystem/mirror"},
                    ],
                },
                "podSpecPatch": '{"terminationGracePeriodSeconds": 300}',
                "synchronization": {
                    "mutexes": [{"name": "flight-delay-{{inputs.parameters.step}}"}],
                },
                "nodeSelector": {"mlsystem.dev/nodes": "pipeline"},
                "tolerations": [
                    {
                        "key": "mlsystem.dev/nodes",
                        "operator": "Equal",
                        "value": "pipeline",
                        "effect": "NoSchedule",
                    },
                ],
            },
            {
                "name": "begin",
                "volumes": [
                    {
                        "name": "config",
                        "configMap": {"name": "flight-delay-config-pipeline-2a7632b5"},
                    },
                ],
                "activeDeadlineSeconds": 900,
                "retryStrategy": {
                    "limit": "3",
                    "retryPolicy": "Always",
                    "expression": "lastRetry.status == 'Error' || (lastRetry.exitCode in ['-1', '75', '137', '143'] && !(lastRetry.message matches 'OOMKilled|longer than the specified deadline'))",
                    "backoff": {"duration": "10s", "factor": "2", "cap": "5m"},
                },
                "container": {
                    "image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/flight-delay-prod/flight-delay/trainer:sha256-of-trainer",
                    "imagePullPolicy": "IfNotPresent",
                    "command": [
                        "python",
                        "-m",
                        "mlsystem_runtime",
                        "begin",
                        "--config",
                        "/etc/mlsystem/run.json",
                        "--workspace",
                        "s3://flight-delay-prod-123456789012",
                        "--release",
                        "configmap://flight-delay/flight-delay-release",
                        "--run-id",
                        "{{workflow.name}}",
                        "--reason",
                        "{{workflow.parameters.reason}}",
                    ],
                    "env": [
                        {"name": "MLSYSTEM_MIRROR", "value": "/var/lib/mlsystem/mirror"},
                        {
                            "name": "MLSYSTEM_ONLINE_STORE",
                            "valueFrom": {
                                "secretKeyRef": {
                                    "name": "flight-delay-prod",
                                    "key": "ONLINE_STORE_URL",
                                },
                            },
                        },
                        {
                            "name": "MLFLOW_TRACKING_URI",
                            "value": "http://flight-delay-tracking:5000",
                        },
                        {"name": "MLSYSTEM_PROPOSES", "value": "{{workflow.parameters.proposes}}"},
                    ],
                    "resources": {
                        "requests": {"cpu": "200m", "memory": "512Mi"},
                        "limits": {"cpu": "200m", "memory": "512Mi"},
                    },
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "volumeMounts": [
                        {"name": "config", "mountPath": "/etc/mlsystem", "readOnly": True},
                        {"name": "tmp", "mountPath": "/tmp"},
                        {"name": "mirror", "mountPath": "/var/lib/mlsystem/mirror"},
                    ],
                },
                "nodeSelector": {"mlsystem.dev/nodes": "system"},
            },
            {
                "name": "end",
                "volumes": [
                    {
                        "name": "config",
                        "configMap": {"name": "flight-delay-config-pipeline-2a7632b5"},
                    },
                ],
                "activeDeadlineSeconds": 900,
                "retryStrategy": {
                    "limit": "3",
                    "retryPolicy": "Always",
                    "expression": "lastRetry.status == 'Error' || (lastRetry.exitCode in ['-1', '75', '137', '143'] && !(lastRetry.message matches 'OOMKilled|longer than the specified deadline'))",
                    "backoff": {"duration": "10s", "factor": "2", "cap": "5m"},
                },
                "container": {
                    "image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/flight-delay-prod/flight-delay/trainer:sha256-of-trainer",
                    "imagePullPolicy": "IfNotPresent",
                    "command": [
                        "python",
                        "-m",
                        "mlsystem_runtime",
                        "end",
                        "--config",
                        "/etc/mlsystem/run.json",
                        "--workspace",
                        "s3://flight-delay-prod-123456789012",
                        "--release",
                        "configmap://flight-delay/flight-delay-release",
                        "--run-id",
                        "{{workflow.name}}",
                        "--entrypoint",
                        "{{workflow.mainEntrypoint}}",
                        "--outcome",
                        "{{workflow.status}}",
                        "--failures",
                        "{{workflow.failures}}",
                    ],
                    "env": [
                        {"name": "MLSYSTEM_MIRROR", "value": "/var/lib/mlsystem/mirror"},
                        {
                            "name": "MLSYSTEM_ONLINE_STORE",
                            "valueFrom": {
                                "secretKeyRef": {
                                    "name": "flight-delay-prod",
                                    "key": "ONLINE_STORE_URL",
                                },
                            },
                        },
                        {
                            "name": "MLFLOW_TRACKING_URI",
                            "value": "http://flight-delay-tracking:5000",
                        },
                        {"name": "MLSYSTEM_PROPOSES", "value": "{{workflow.parameters.proposes}}"},
                    ],
                    "resources": {
                        "requests": {"cpu": "200m", "memory": "512Mi"},
                        "limits": {"cpu": "200m", "memory": "512Mi"},
                    },
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "volumeMounts": [
                        {"name": "config", "mountPath": "/etc/mlsystem", "readOnly": True},
                        {"name": "tmp", "mountPath": "/tmp"},
                        {"name": "mirror", "mountPath": "/var/lib/mlsystem/mirror"},
                    ],
                },
                "nodeSelector": {"mlsystem.dev/nodes": "system"},
            },
            {
                "name": "propose",
                "volumes": [
                    {
                        "name": "config",
                        "configMap": {"name": "flight-delay-config-pipeline-2a7632b5"},
                    },
                ],
                "activeDeadlineSeconds": 900,
                "retryStrategy": {
                    "limit": "3",
                    "retryPolicy": "Always",
                    "expression": "lastRetry.status == 'Error' || (lastRetry.exitCode in ['-1', '75', '137', '143'] && !(lastRetry.message matches 'OOMKilled|longer than the specified deadline'))",
                    "backoff": {"duration": "10s", "factor": "2", "cap": "5m"},
                },
                "container": {
                    "image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/flight-delay-prod/flight-delay/trainer:sha256-of-trainer",
                    "imagePullPolicy": "IfNotPresent",
                    "command": [
                        "python",
                        "-m",
                        "mlsystem_runtime",
                        "propose",
                        "--config",
                        "/etc/mlsystem/run.json",
                        "--workspace",
                        "s3://flight-delay-prod-123456789012",
                        "--release",
                        "configmap://flight-delay/flight-delay-release",
                        "--run-id",
                        "{{workflow.name}}",
                        "--model",
                        "{{workflow.parameters.model}}",
                        "--reason",
                        "{{workflow.parameters.reason}}",
                    ],
                    "env": [
                        {"name": "MLSYSTEM_MIRROR", "value": "/var/lib/mlsystem/mirror"},
                        {
                            "name": "MLSYSTEM_ONLINE_STORE",
                            "valueFrom": {
                                "secretKeyRef": {
                                    "name": "flight-delay-prod",
                                    "key": "ONLINE_STORE_URL",
                                },
                            },
                        },
                        {
                            "name": "MLFLOW_TRACKING_URI",
                            "value": "http://flight-delay-tracking:5000",
                        },
                        {"name": "MLSYSTEM_PROPOSES", "value": "{{workflow.parameters.proposes}}"},
                    ],
                    "resources": {
                        "requests": {"cpu": "200m", "memory": "512Mi"},
                        "limits": {"cpu": "200m", "memory": "512Mi"},
                    },
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "volumeMounts": [
                        {"name": "config", "mountPath": "/etc/mlsystem", "readOnly": True},
                        {"name": "tmp", "mountPath": "/tmp"},
                        {"name": "mirror", "mountPath": "/var/lib/mlsystem/mirror"},
                    ],
                },
                "nodeSelector": {"mlsystem.dev/nodes": "system"},
            },
        ],
    },
    opts=pulumi.ResourceOptions(
        provider=cluster,
        depends_on=[flight_delay_namespace, pipeline_service_account, config_pipeline_config_map],
    ),
)

refresh_15m_cron_workflow = k8s.apiextensions.CustomResource(
    "flight-delay-refresh-15m",
    api_version="argoproj.io/v1alpha1",
    kind="CronWorkflow",
    metadata={
        "name": "flight-delay-refresh-15m",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-prod",
            "app.kubernetes.io/component": "pipeline",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "prod",
        },
    },
    spec={
        "schedules": ["*/15 * * * *"],
        "timezone": "UTC",
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": 600,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 3,
        "workflowMetadata": {
            "labels": {
                "app.kubernetes.io/name": "mlsystem",
                "app.kubernetes.io/instance": "flight-delay-prod",
                "app.kubernetes.io/component": "pipeline",
                "app.kubernetes.io/part-of": "flight-delay",
                "app.kubernetes.io/managed-by": "mlsystem",
                "mlsystem.dev/system": "flight-delay",
                "mlsystem.dev/environment": "prod",
            },
        },
        "workflowSpec": {
            "workflowTemplateRef": {"name": "flight-delay-pipeline"},
            "entrypoint": "refresh-15m",
            "activeDeadlineSeconds": 3600,
            "arguments": {"parameters": [{"name": "reason", "value": "refresh-15m"}]},
        },
    },
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)
