"""Names that several parts must spell alike: metrics of the server, environment variables, parts of digests."""

from __future__ import annotations

REQUESTS = "mlsystem_requests_total"  # labels: model, version, outcome
LATENCY = "mlsystem_request_duration_seconds"  # labels: model
OUTCOMES = ("ok", "invalid", "rejected", "error", "cancelled")
MISSING_FEATURES = "mlsystem_missing_features_total"  # labels: model, feature, cause
NULL_CAUSES = ("no_key", "unknown_key", "expired", "null_value", "empty_window", "store_unreachable")
RELEASE_SERIAL = "mlsystem_release_serial"
RELEASE_SHARE = "mlsystem_release_share_ratio"  # labels: model, version; those that answer now
RELEASE_FAILURES = "mlsystem_release_failures_total"
PREDICTIONS = "mlsystem_predictions_total"  # labels: model, version
CLIENT_REQUESTS = "mlsystem_client_requests_total"  # labels: model, client, outcome; where tokens are asked for
ACCESS_OUTCOMES = ("ok", "no_token", "unknown_token", "forbidden", "quota")
LOG_DROPPED = "mlsystem_prediction_log_dropped_total"  # labels: model, reason
DROP_REASONS = ("waiting", "disk", "room", "torn")  # in memory; refused; no room until it is shipped; cut off by a kill
OFFERED_ROWS = "mlsystem_offered_rows_total"  # labels: model; what was understood, refused requests included
REFUSED = "mlsystem_refused_total"  # labels: model, reason
REFUSAL_REASONS = ("admission", "deadline", "cancelled", "validation", "model", "quota", "auth")
QUEUE_ROWS = "mlsystem_queue_rows"  # labels: model; rows that wait for the model
QUEUE_SECONDS = "mlsystem_queue_seconds"  # labels: model; how long a request waited for the model
BATCH_ROWS = "mlsystem_batch_rows"  # labels: model; how many rows the model was given at once
IN_FLIGHT = "mlsystem_in_flight"  # labels: model; requests that were begun and not answered yet
SERVICE_TIME = "mlsystem_service_time_seconds"  # labels: model, part: a batch of n rows takes a * n + b
METRICS_REFUSED = "mlsystem_metrics_refused_total"
SHADOW_ROWS = "mlsystem_shadow_rows_total"  # labels: model, version, outcome
SHADOW_OUTCOMES = ("compared", "dropped", "paused", "incomparable", "failed")
SHADOW_DIFFERENCE = "mlsystem_shadow_difference"  # labels: model, version; of a row's outputs, the largest
SHADOW_DISAGREEMENTS = "mlsystem_shadow_disagreements_total"  # labels: model, version; rows with another prediction
VERSION_LATENCY = "mlsystem_version_request_duration_seconds"  # labels: model, version

# of the monitor
MONITOR_LOOK = "mlsystem_monitor_look_timestamp_seconds"  # labels: model
SOURCE_AGE = "mlsystem_source_age_seconds"  # labels: model, source; on the environment's clock
DRIFTED = "mlsystem_drifted"  # labels: model; 1 while the newest judged window has drifted
DRIFT_EFFECT = "mlsystem_drift_effect_ratio"  # labels: model, column, test
REFRESH_END = "mlsystem_refresh_end_timestamp_seconds"  # labels: refresh, outcome (done, failed)
RUN_END = "mlsystem_run_end_timestamp_seconds"  # labels: outcome (done, failed, blocked)

DIE_WITH_PARENT = "MLSYSTEM_DIE_WITH_PARENT"  # the parent's pid: the process ends when that one does
PROPOSES = "MLSYSTEM_PROPOSES"  # "1": the system started this run itself, so what it makes may have to be approved
MIRROR = "MLSYSTEM_MIRROR"  # the local folder beside a workspace in a bucket; may start empty and be lost
SECRET_FOLDER = "MLSYSTEM_SECRETS"  # a folder with one file per secret; else the environment

ONLINE_STORE = "MLSYSTEM_ONLINE_STORE"  # redis:// or rediss://, where the online store is a Redis

KUBERNETES_API = "MLSYSTEM_KUBERNETES_API"  # http://HOST:PORT of an API server that asks for no token (kubectl proxy)

DRAIN_DELAY_SECONDS = 5  # in a fleet, a server that was told to stop goes on accepting; others learn of it meanwhile
DRAIN_SECONDS = 10  # then it finishes the requests that it has begun
WRITE_SECONDS = 15  # then it writes what it has counted and logged
TERMINATION_GRACE_SECONDS = DRAIN_DELAY_SECONDS + DRAIN_SECONDS + WRITE_SECONDS
GRPC_SERVICE = "inference.GRPCInferenceService"  # of the Open Inference Protocol
LIVE, READY = "/livez", "/readyz"  # 200 while the process answers at all; 200 while it should be sent requests

REFRESH, PROPOSE = "refresh-", "propose"  # entrypoints of the pipeline in a cluster; the first goes on with its period

RANK = "JOB_COMPLETION_INDEX"  # which of several processes of one step this is; Kubernetes sets it in an Indexed Job

PREEMPTED = 75  # exit status of a step that saved its work after SIGTERM; run again, it goes on (EX_TEMPFAIL)
