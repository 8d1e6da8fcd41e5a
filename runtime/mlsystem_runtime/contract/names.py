"""Names that several parts must spell alike: metrics of the server, environment variables, parts of digests."""

from __future__ import annotations

REQUESTS = "mlsystem_requests_total"  # labels: model, version, outcome
LATENCY = "mlsystem_request_duration_seconds"  # labels: model
OUTCOMES = ("ok", "invalid", "rejected", "error", "cancelled")
MISSING_FEATURES = "mlsystem_missing_features_total"  # labels: model, feature, cause
NULL_CAUSES = ("no_key", "unknown_key", "expired", "null_value", "empty_window", "store_unreachable")
RELEASE_SERIAL = "mlsystem_release_serial"
PREDICTIONS = "mlsystem_predictions_total"  # labels: model, version

DIE_WITH_PARENT = "MLSYSTEM_DIE_WITH_PARENT"  # the parent's pid: the process ends when that one does
PROPOSES = "MLSYSTEM_PROPOSES"  # "1": the system started this run itself, so what it makes may have to be approved
SECRET_FOLDER = "MLSYSTEM_SECRETS"  # a folder with one file per secret; else the environment

ONLINE_STORE = "MLSYSTEM_ONLINE_STORE"  # redis:// or rediss://, where the online store is a Redis

PREEMPTED = 75  # exit status of a step that saved its work after SIGTERM; run again, it goes on (EX_TEMPFAIL)
