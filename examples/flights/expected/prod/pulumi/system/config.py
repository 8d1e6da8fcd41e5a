"""Config."""

import pulumi
import pulumi_kubernetes as k8s

from system.cluster import cluster
from system.namespace import flight_delay_namespace

config_server_main_config_map = k8s.core.v1.ConfigMap(
    "flight-delay-config-server-main-25c42817",
    metadata={
        "name": "flight-delay-config-server-main-25c42817",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-prod",
            "app.kubernetes.io/component": "server",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "prod",
            "mlsystem.dev/model": "main",
        },
    },
    immutable=True,
    data={
        "run.json": """{
  "clock": "data",
  "environment": "prod",
  "format": 1,
  "monitor": {
    "clock": "data",
    "models": [],
    "online_store": {
      "type": "redis"
    },
    "refreshes": [],
    "sources": []
  },
  "secrets": [],
  "server": {
    "clock": "data",
    "endpoints": [
      {
        "groups": [
          {
            "group": "carrier_history",
            "on_failure": "nulls"
          },
          {
            "group": "origin_history",
            "on_failure": "nulls"
          },
          {
            "group": "dest_history",
            "on_failure": "nulls"
          },
          {
            "group": "flight_history",
            "on_failure": "nulls"
          },
          {
            "group": "aircraft_history",
            "on_failure": "nulls"
          },
          {
            "group": "airport_weather",
            "on_failure": "nulls"
          }
        ],
        "log_retain_us": 2592000000000,
        "log_sample": 0.1,
        "model": "main",
        "routes": [
          "/main/predict",
          "/predict"
        ],
        "slo": {
          "availability": 0.999,
          "latency_us": 50000,
          "objective": 0.95,
          "window_us": 2592000000000
        },
        "sticky": [
          "carrier"
        ]
      }
    ],
    "online_store": {
      "type": "redis"
    },
    "threads": null
  },
  "steps": [],
  "system": "flight-delay"
}
""",
    },
    opts=pulumi.ResourceOptions(
        provider=cluster,
        depends_on=[flight_delay_namespace],
        retain_on_delete=True,
    ),
)

config_pipeline_main_config_map = k8s.core.v1.ConfigMap(
    "flight-delay-config-pipeline-main-e9d1b042",
    metadata={
        "name": "flight-delay-config-pipeline-main-e9d1b042",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-prod",
            "app.kubernetes.io/component": "pipeline",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "prod",
            "mlsystem.dev/model": "main",
        },
    },
    immutable=True,
    data={
        "run.json": """{
  "clock": "data",
  "environment": "prod",
  "format": 1,
  "monitor": {
    "clock": "data",
    "models": [],
    "online_store": {
      "type": "redis"
    },
    "refreshes": [
      {
        "every_us": 900000000,
        "steps": [
          "ingest.flights",
          "ingest.weather",
          "materialize.aircraft_history",
          "materialize.airport_weather",
          "materialize.carrier_history",
          "materialize.dest_history",
          "materialize.flight_history",
          "materialize.origin_history"
        ]
      }
    ],
    "sources": []
  },
  "secrets": [],
  "server": {
    "clock": "data",
    "endpoints": [],
    "online_store": {
      "type": "redis"
    },
    "threads": null
  },
  "steps": [
    {
      "fingerprint": "0d197d8efa0c8e65ff230c2a63c00248",
      "name": "features.main",
      "payload": {
        "contract": {
          "groups": [
            {
              "compute": [
                {
                  "expression": "hour(scheduled_departure, 'America/New_York')",
                  "name": "hour",
                  "nullable": true,
                  "type": "int"
                },
                {
                  "expression": "hour(scheduled_departure, 'America/New_York') * 60 + minute(scheduled_departure, 'America/New_York')",
                  "name": "minute_of_day",
                  "nullable": true,
                  "type": "int"
                },
                {
                  "expression": "string(dayofweek(scheduled_departure, 'America/New_York'))",
                  "name": "weekday",
                  "nullable": true,
                  "type": "string"
                },
                {
                  "expression": "ln(distance)",
                  "name": "log_distance",
                  "nullable": true,
                  "type": "float"
                },
                {
                  "expression": "carrier",
                  "name": "carrier",
                  "nullable": false,
                  "type": "string"
                },
                {
                  "expression": "origin",
                  "name": "origin",
                  "nullable": false,
                  "type": "string"
                },
                {
                  "expression": "dest",
                  "name": "dest",
                  "nullable": false,
                  "type": "string"
                }
              ],
              "fields": [
                {
                  "name": "scheduled_departure",
                  "nullable": false,
                  "type": "timestamp"
                },
                {
                  "name": "distance",
                  "nullable": false,
                  "type": "float"
                },
                {
                  "name": "carrier",
                  "nullable": false,
                  "type": "string"
                },
                {
                  "name": "origin",
                  "nullable": false,
                  "type": "string"
                },
                {
                  "name": "dest",
                  "nullable": false,
                  "type": "string"
                }
              ],
              "fingerprint": "293fe4d77c90cf17eb1997a88f3d9e20",
              "kind": "request",
              "name": "trip"
            },
            {
              "aggregates": [
                {
                  "column": null,
                  "function": "count",
                  "name": "flights_1d",
                  "tail_us": 300000000,
                  "type": "int",
                  "window_us": 86400000000
                },
                {
                  "column": "arr_delay",
                  "function": "mean",
                  "name": "delay_mean_3h",
                  "tail_us": 300000000,
                  "type": "float",
                  "window_us": 10800000000
                },
                {
                  "column": "arr_delay",
                  "function": "mean",
                  "name": "delay_mean_1d",
                  "tail_us": 300000000,
                  "type": "float",
                  "window_us": 86400000000
                },
                {
                  "column": "late",
                  "function": "mean",
                  "name": "late_share_1d",
                  "tail_us": 300000000,
                  "type": "float",
                  "window_us": 86400000000
                },
                {
                  "column": "late",
                  "function": "mean",
                  "name": "late_share_7d",
                  "tail_us": 3600000000,
                  "type": "float",
                  "window_us": 604800000000
                },
                {
                  "column": "late",
                  "function": "mean",
                  "name": "late_share_30d",
                  "tail_us": 86400000000,
                  "type": "float",
                  "window_us": 2592000000000
                }
              ],
              "fingerprint": "4d1dd359a515f8be821f493966c888dd",
              "key": [
                {
                  "column": "carrier",
                  "name": "carrier",
                  "type": "string"
                }
              ],
              "kind": "aggregate",
              "name": "carrier_history",
              "source": "flights"
            },
            {
              "aggregates": [
                {
                  "column": "arr_delay",
                  "function": "mean",
                  "name": "delay_mean_3h",
                  "tail_us": 300000000,
                  "type": "float",
                  "window_us": 10800000000
                },
                {
                  "column": "late",
                  "function": "mean",
                  "name": "late_share_3h",
                  "tail_us": 300000000,
                  "type": "float",
                  "window_us": 10800000000
                },
                {
                  "column": "late",
                  "function": "mean",
                  "name": "late_share_1d",
                  "tail_us": 300000000,
                  "type": "float",
                  "window_us": 86400000000
                }
              ],
              "fingerprint": "dffb72ea92adf0f1bc4701f4472341a1",
              "key": [
                {
                  "column": "origin",
                  "name": "code",
                  "type": "string"
                }
              ],
              "kind": "aggregate",
              "name": "origin_history",
              "source": "flights"
            },
            {
              "aggregates": [
                {
                  "column": "arr_delay",
                  "function": "mean",
                  "name": "delay_mean_6h",
                  "tail_us": 300000000,
                  "type": "float",
                  "window_us": 21600000000
                },
                {
                  "column": "late",
                  "function": "mean",
                  "name": "late_share_1d",
                  "tail_us": 300000000,
                  "type": "float",
                  "window_us": 86400000000
                },
                {
                  "column": "late",
                  "function": "mean",
                  "name": "late_share_7d",
                  "tail_us": 3600000000,
                  "type": "float",
                  "window_us": 604800000000
                },
                {
                  "column": "late",
                  "function": "mean",
                  "name": "late_share_30d",
                  "tail_us": 86400000000,
                  "type": "float",
                  "window_us": 2592000000000
                }
              ],
              "fingerprint": "0e5fa60b06e1277ba9e70fe3393cd0ac",
              "key": [
                {
                  "column": "dest",
                  "name": "code",
                  "type": "string"
                }
              ],
              "kind": "aggregate",
              "name": "dest_history",
              "source": "flights"
            },
            {
              "aggregates": [
                {
                  "column": "arr_delay",
                  "function": "mean",
                  "name": "delay_mean_30d",
                  "tail_us": 86400000000,
                  "type": "float",
                  "window_us": 2592000000000
                },
                {
                  "column": "late",
                  "function": "mean",
                  "name": "late_share_7d",
                  "tail_us": 3600000000,
                  "type": "float",
                  "window_us": 604800000000
                },
                {
                  "column": "late",
                  "function": "mean",
                  "name": "late_share_30d",
                  "tail_us": 86400000000,
                  "type": "float",
                  "window_us": 2592000000000
                }
              ],
              "fingerprint": "0229a8ae49025b7d8137414a0f4b883d",
              "key": [
                {
                  "column": "carrier",
                  "name": "carrier",
                  "type": "string"
                },
                {
                  "column": "flight",
                  "name": "flight",
                  "type": "int"
                }
              ],
              "kind": "aggregate",
              "name": "flight_history",
              "source": "flights"
            },
            {
              "aggregates": [
                {
                  "column": "arr_delay",
                  "function": "mean",
                  "name": "delay_mean_1d",
                  "tail_us": 300000000,
                  "type": "float",
                  "window_us": 86400000000
                },
                {
                  "column": "late",
                  "function": "mean",
                  "name": "late_share_1d",
                  "tail_us": 300000000,
                  "type": "float",
                  "window_us": 86400000000
                },
                {
                  "column": "late",
                  "function": "mean",
                  "name": "late_share_30d",
                  "tail_us": 86400000000,
                  "type": "float",
                  "window_us": 2592000000000
                }
              ],
              "fingerprint": "196458826d18ea335b87b1f6030d38cb",
              "key": [
                {
                  "column": "aircraft",
                  "name": "aircraft",
                  "type": "string"
                }
              ],
              "kind": "aggregate",
              "name": "aircraft_history",
              "source": "flights"
            },
            {
              "columns": [
                {
                  "name": "temp",
                  "type": "float"
                },
                {
                  "name": "dewp",
                  "type": "float"
                },
                {
                  "name": "wind_speed",
                  "type": "float"
                },
                {
                  "name": "precip",
                  "type": "float"
                },
                {
                  "name": "pressure",
                  "type": "float"
                },
                {
                  "name": "visib",
                  "type": "float"
                }
              ],
              "fingerprint": "8eaf0015e42151d78a0bf33d97058260",
              "key": [
                {
                  "column": "origin",
                  "name": "code",
                  "type": "string"
                }
              ],
              "kind": "latest",
              "name": "airport_weather",
              "source": "weather",
              "ttl_us": 10800000000
            }
          ],
          "inputs": [
            {
              "name": "trip.hour",
              "type": "int"
            },
            {
              "name": "trip.minute_of_day",
              "type": "int"
            },
            {
              "name": "trip.weekday",
              "type": "string"
            },
            {
              "name": "trip.log_distance",
              "type": "float"
            },
            {
              "name": "trip.carrier",
              "type": "string"
            },
            {
              "name": "trip.origin",
              "type": "string"
            },
            {
              "name": "trip.dest",
              "type": "string"
            },
            {
              "name": "carrier_history.flights_1d",
              "type": "int"
            },
            {
              "name": "carrier_history.delay_mean_3h",
              "type": "float"
            },
            {
              "name": "carrier_history.delay_mean_1d",
              "type": "float"
            },
            {
              "name": "carrier_history.late_share_1d",
              "type": "float"
            },
            {
              "name": "carrier_history.late_share_7d",
              "type": "float"
            },
            {
              "name": "carrier_history.late_share_30d",
              "type": "float"
            },
            {
              "name": "origin_history.delay_mean_3h",
              "type": "float"
            },
            {
              "name": "origin_history.late_share_3h",
              "type": "float"
            },
            {
              "name": "origin_history.late_share_1d",
              "type": "float"
            },
            {
              "name": "dest_history.delay_mean_6h",
              "type": "float"
            },
            {
              "name": "dest_history.late_share_1d",
              "type": "float"
            },
            {
              "name": "dest_history.late_share_7d",
              "type": "float"
            },
            {
              "name": "dest_history.late_share_30d",
              "type": "float"
            },
            {
              "name": "flight_history.delay_mean_30d",
              "type": "float"
            },
            {
              "name": "flight_history.late_share_7d",
              "type": "float"
            },
            {
              "name": "flight_history.late_share_30d",
              "type": "float"
            },
            {
              "name": "aircraft_history.delay_mean_1d",
              "type": "float"
            },
            {
              "name": "aircraft_history.late_share_1d",
              "type": "float"
            },
            {
              "name": "aircraft_history.late_share_30d",
              "type": "float"
            },
            {
              "name": "airport_weather.temp",
              "type": "float"
            },
            {
              "name": "airport_weather.dewp",
              "type": "float"
            },
            {
              "name": "airport_weather.wind_speed",
              "type": "float"
            },
            {
              "name": "airport_weather.precip",
              "type": "float"
            },
            {
              "name": "airport_weather.pressure",
              "type": "float"
            },
            {
              "name": "airport_weather.visib",
              "type": "float"
            }
          ],
          "request": [
            {
              "name": "scheduled_departure",
              "nullable": false,
              "type": "timestamp"
            },
            {
              "name": "distance",
              "nullable": false,
              "type": "float"
            },
            {
              "name": "carrier",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "origin",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "dest",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "flight",
              "nullable": false,
              "type": "int"
            },
            {
              "name": "aircraft",
              "nullable": true,
              "type": "string"
            }
          ],
          "uses": [
            {
              "alias": "trip",
              "columns": [
                "hour",
                "minute_of_day",
                "weekday",
                "log_distance",
                "carrier",
                "origin",
                "dest"
              ],
              "group": "trip",
              "lookup": []
            },
            {
              "alias": "carrier_history",
              "columns": [
                "flights_1d",
                "delay_mean_3h",
                "delay_mean_1d",
                "late_share_1d",
                "late_share_7d",
                "late_share_30d"
              ],
              "group": "carrier_history",
              "lookup": [
                {
                  "field": "carrier",
                  "key": "carrier"
                }
              ]
            },
            {
              "alias": "origin_history",
              "columns": [
                "delay_mean_3h",
                "late_share_3h",
                "late_share_1d"
              ],
              "group": "origin_history",
              "lookup": [
                {
                  "field": "origin",
                  "key": "code"
                }
              ]
            },
            {
              "alias": "dest_history",
              "columns": [
                "delay_mean_6h",
                "late_share_1d",
                "late_share_7d",
                "late_share_30d"
              ],
              "group": "dest_history",
              "lookup": [
                {
                  "field": "dest",
                  "key": "code"
                }
              ]
            },
            {
              "alias": "flight_history",
              "columns": [
                "delay_mean_30d",
                "late_share_7d",
                "late_share_30d"
              ],
              "group": "flight_history",
              "lookup": [
                {
                  "field": "carrier",
                  "key": "carrier"
                },
                {
                  "field": "flight",
                  "key": "flight"
                }
              ]
            },
            {
              "alias": "aircraft_history",
              "columns": [
                "delay_mean_1d",
                "late_share_1d",
                "late_share_30d"
              ],
              "group": "aircraft_history",
              "lookup": [
                {
                  "field": "aircraft",
                  "key": "aircraft"
                }
              ]
            },
            {
              "alias": "airport_weather",
              "columns": [
                "temp",
                "dewp",
                "wind_speed",
                "precip",
                "pressure",
                "visib"
              ],
              "group": "airport_weather",
              "lookup": [
                {
                  "field": "origin",
                  "key": "code"
                }
              ]
            }
          ]
        },
        "examples": {
          "at": "scheduled_departure",
          "source": "flights",
          "where": "arr_delay is not null"
        },
        "kind": "features",
        "label": {
          "column": "late",
          "known": "landed_at"
        },
        "model": "main",
        "sources": [
          {
            "available": "landed_at",
            "columns": [
              {
                "name": "flight_id",
                "nullable": false,
                "type": "string"
              },
              {
                "name": "scheduled_departure",
                "nullable": false,
                "type": "timestamp"
              },
              {
                "name": "carrier",
                "nullable": false,
                "type": "string"
              },
              {
                "name": "flight",
                "nullable": false,
                "type": "int"
              },
              {
                "name": "aircraft",
                "nullable": true,
                "type": "string"
              },
              {
                "name": "origin",
                "nullable": false,
                "type": "string"
              },
              {
                "name": "dest",
                "nullable": false,
                "type": "string"
              },
              {
                "name": "distance",
                "nullable": false,
                "type": "float"
              },
              {
                "name": "arr_delay",
                "nullable": true,
                "type": "float"
              },
              {
                "name": "landed_at",
                "nullable": true,
                "type": "timestamp"
              }
            ],
            "derived": [
              {
                "expression": "arr_delay > 15",
                "name": "late",
                "nullable": true,
                "type": "bool"
              }
            ],
            "format": "parquet",
            "key": [
              "flight_id"
            ],
            "known_at_time": [
              "flight_id",
              "scheduled_departure",
              "carrier",
              "flight",
              "aircraft",
              "origin",
              "dest",
              "distance"
            ],
            "name": "flights",
            "time": "scheduled_departure",
            "timezone": null,
            "uri": "s3://flight-delay/data/flights.parquet"
          },
          {
            "available": null,
            "columns": [
              {
                "name": "time_hour",
                "nullable": false,
                "type": "timestamp"
              },
              {
                "name": "origin",
                "nullable": false,
                "type": "string"
              },
              {
                "name": "temp",
                "nullable": true,
                "type": "float"
              },
              {
                "name": "dewp",
                "nullable": true,
                "type": "float"
              },
              {
                "name": "wind_speed",
                "nullable": true,
                "type": "float"
              },
              {
                "name": "precip",
                "nullable": true,
                "type": "float"
              },
              {
                "name": "pressure",
                "nullable": true,
                "type": "float"
              },
              {
                "name": "visib",
                "nullable": true,
                "type": "float"
              }
            ],
            "derived": [],
            "format": "csv",
            "key": [],
            "known_at_time": [
              "time_hour",
              "origin",
              "temp",
              "dewp",
              "wind_speed",
              "precip",
              "pressure",
              "visib"
            ],
            "name": "weather",
            "time": "time_hour",
            "timezone": "UTC",
            "uri": "s3://flight-delay/data/weather.csv"
          }
        ],
        "task": "binary_classification"
      },
      "reads": [
        {
          "parts": [
            "rows",
            "clock",
            "column:aircraft",
            "column:arr_delay",
            "column:carrier",
            "column:dest",
            "column:distance",
            "column:flight",
            "column:landed_at",
            "column:late",
            "column:origin",
            "column:scheduled_departure"
          ],
          "step": "ingest.flights"
        },
        {
          "parts": [
            "rows",
            "clock",
            "column:dewp",
            "column:origin",
            "column:precip",
            "column:pressure",
            "column:temp",
            "column:time_hour",
            "column:visib",
            "column:wind_speed"
          ],
          "step": "ingest.weather"
        }
      ]
    },
    {
      "fingerprint": "5e10ad4dabb99007981cf62904bec029",
      "name": "train.main",
      "payload": {
        "contract": {
          "groups": [
            {
              "compute": [
                {
                  "expression": "hour(scheduled_departure, 'America/New_York')",
                  "name": "hour",
                  "nullable": true,
                  "type": "int"
                },
                {
                  "expression": "hour(scheduled_departure, 'America/New_York') * 60 + minute(scheduled_departure, 'America/New_York')",
                  "name": "minute_of_day",
                  "nullable": true,
                  "type": "int"
                },
                {
                  "expression": "string(dayofweek(scheduled_departure, 'America/New_York'))",
                  "name": "weekday",
                  "nullable": true,
                  "type": "string"
                },
                {
                  "expression": "ln(distance)",
                  "name": "log_distance",
                  "nullable": true,
                  "type": "float"
                },
                {
                  "expression": "carrier",
                  "name": "carrier",
                  "nullable": false,
                  "type": "string"
                },
                {
                  "expression": "origin",
                  "name": "origin",
                  "nullable": false,
                  "type": "string"
                },
                {
                  "expression": "dest",
                  "name": "dest",
                  "nullable": false,
                  "type": "string"
                }
              ],
              "fields": [
                {
                  "name": "scheduled_departure",
                  "nullable": false,
                  "type": "timestamp"
                },
                {
                  "name": "distance",
                  "nullable": false,
                  "type": "float"
                },
                {
                  "name": "carrier",
                  "nullable": false,
                  "type": "string"
                },
                {
                  "name": "origin",
                  "nullable": false,
                  "type": "string"
                },
                {
                  "name": "dest",
                  "nullable": false,
                  "type": "string"
                }
              ],
              "fingerprint": "293fe4d77c90cf17eb1997a88f3d9e20",
              "kind": "request",
              "name": "trip"
            },
            {
              "aggregates": [
                {
                  "column": null,
                  "function": "count",
                  "name": "flights_1d",
                  "tail_us": 300000000,
                  "type": "int",
                  "window_us": 86400000000
                },
                {
                  "column": "arr_delay",
                  "function": "mean",
                  "name": "delay_mean_3h",
                  "tail_us": 300000000,
                  "type": "float",
                  "window_us": 10800000000
                },
                {
                  "column": "arr_delay",
                  "function": "mean",
                  "name": "delay_mean_1d",
                  "tail_us": 300000000,
                  "type": "float",
                  "window_us": 86400000000
                },
                {
                  "column": "late",
                  "function": "mean",
                  "name": "late_share_1d",
                  "tail_us": 300000000,
                  "type": "float",
                  "window_us": 86400000000
                },
                {
                  "column": "late",
                  "function": "mean",
                  "name": "late_share_7d",
                  "tail_us": 3600000000,
                  "type": "float",
                  "window_us": 604800000000
                },
                {
                  "column": "late",
                  "function": "mean",
                  "name": "late_share_30d",
                  "tail_us": 86400000000,
                  "type": "float",
                  "window_us": 2592000000000
                }
              ],
              "fingerprint": "4d1dd359a515f8be821f493966c888dd",
              "key": [
                {
                  "column": "carrier",
                  "name": "carrier",
                  "type": "string"
                }
              ],
              "kind": "aggregate",
              "name": "carrier_history",
              "source": "flights"
            },
            {
              "aggregates": [
                {
                  "column": "arr_delay",
                  "function": "mean",
                  "name": "delay_mean_3h",
                  "tail_us": 300000000,
                  "type": "float",
                  "window_us": 10800000000
                },
                {
                  "column": "late",
                  "function": "mean",
                  "name": "late_share_3h",
                  "tail_us": 300000000,
                  "type": "float",
                  "window_us": 10800000000
                },
                {
                  "column": "late",
                  "function": "mean",
                  "name": "late_share_1d",
                  "tail_us": 300000000,
                  "type": "float",
                  "window_us": 86400000000
                }
              ],
              "fingerprint": "dffb72ea92adf0f1bc4701f4472341a1",
              "key": [
                {
                  "column": "origin",
                  "name": "code",
                  "type": "string"
                }
              ],
              "kind": "aggregate",
              "name": "origin_history",
              "source": "flights"
            },
            {
              "aggregates": [
                {
                  "column": "arr_delay",
                  "function": "mean",
                  "name": "delay_mean_6h",
                  "tail_us": 300000000,
                  "type": "float",
                  "window_us": 21600000000
                },
                {
                  "column": "late",
                  "function": "mean",
                  "name": "late_share_1d",
                  "tail_us": 300000000,
                  "type": "float",
                  "window_us": 86400000000
                },
                {
                  "column": "late",
                  "function": "mean",
                  "name": "late_share_7d",
                  "tail_us": 3600000000,
                  "type": "float",
                  "window_us": 604800000000
                },
                {
                  "column": "late",
                  "function": "mean",
                  "name": "late_share_30d",
                  "tail_us": 86400000000,
                  "type": "float",
                  "window_us": 2592000000000
                }
              ],
              "fingerprint": "0e5fa60b06e1277ba9e70fe3393cd0ac",
              "key": [
                {
                  "column": "dest",
                  "name": "code",
                  "type": "string"
                }
              ],
              "kind": "aggregate",
              "name": "dest_history",
              "source": "flights"
            },
            {
              "aggregates": [
                {
                  "column": "arr_delay",
                  "function": "mean",
                  "name": "delay_mean_30d",
                  "tail_us": 86400000000,
                  "type": "float",
                  "window_us": 2592000000000
                },
                {
                  "column": "late",
                  "function": "mean",
                  "name": "late_share_7d",
                  "tail_us": 3600000000,
                  "type": "float",
                  "window_us": 604800000000
                },
                {
                  "column": "late",
                  "function": "mean",
                  "name": "late_share_30d",
                  "tail_us": 86400000000,
                  "type": "float",
                  "window_us": 2592000000000
                }
              ],
              "fingerprint": "0229a8ae49025b7d8137414a0f4b883d",
              "key": [
                {
                  "column": "carrier",
                  "name": "carrier",
                  "type": "string"
                },
                {
                  "column": "flight",
                  "name": "flight",
                  "type": "int"
                }
              ],
              "kind": "aggregate",
              "name": "flight_history",
              "source": "flights"
            },
            {
              "aggregates": [
                {
                  "column": "arr_delay",
                  "function": "mean",
                  "name": "delay_mean_1d",
                  "tail_us": 300000000,
                  "type": "float",
                  "window_us": 86400000000
                },
                {
                  "column": "late",
                  "function": "mean",
                  "name": "late_share_1d",
                  "tail_us": 300000000,
                  "type": "float",
                  "window_us": 86400000000
                },
                {
                  "column": "late",
                  "function": "mean",
                  "name": "late_share_30d",
                  "tail_us": 86400000000,
                  "type": "float",
                  "window_us": 2592000000000
                }
              ],
              "fingerprint": "196458826d18ea335b87b1f6030d38cb",
              "key": [
                {
                  "column": "aircraft",
                  "name": "aircraft",
                  "type": "string"
                }
              ],
              "kind": "aggregate",
              "name": "aircraft_history",
              "source": "flights"
            },
            {
              "columns": [
                {
                  "name": "temp",
                  "type": "float"
                },
                {
                  "name": "dewp",
                  "type": "float"
                },
                {
                  "name": "wind_speed",
                  "type": "float"
                },
                {
                  "name": "precip",
                  "type": "float"
                },
                {
                  "name": "pressure",
                  "type": "float"
                },
                {
                  "name": "visib",
                  "type": "float"
                }
              ],
              "fingerprint": "8eaf0015e42151d78a0bf33d97058260",
              "key": [
                {
                  "column": "origin",
                  "name": "code",
                  "type": "string"
                }
              ],
              "kind": "latest",
              "name": "airport_weather",
              "source": "weather",
              "ttl_us": 10800000000
            }
          ],
          "inputs": [
            {
              "name": "trip.hour",
              "type": "int"
            },
            {
              "name": "trip.minute_of_day",
              "type": "int"
            },
            {
              "name": "trip.weekday",
              "type": "string"
            },
            {
              "name": "trip.log_distance",
              "type": "float"
            },
            {
              "name": "trip.carrier",
              "type": "string"
            },
            {
              "name": "trip.origin",
              "type": "string"
            },
            {
              "name": "trip.dest",
              "type": "string"
            },
            {
              "name": "carrier_history.flights_1d",
              "type": "int"
            },
            {
              "name": "carrier_history.delay_mean_3h",
              "type": "float"
            },
            {
              "name": "carrier_history.delay_mean_1d",
              "type": "float"
            },
            {
              "name": "carrier_history.late_share_1d",
              "type": "float"
            },
            {
              "name": "carrier_history.late_share_7d",
              "type": "float"
            },
            {
              "name": "carrier_history.late_share_30d",
              "type": "float"
            },
            {
              "name": "origin_history.delay_mean_3h",
              "type": "float"
            },
            {
              "name": "origin_history.late_share_3h",
              "type": "float"
            },
            {
              "name": "origin_history.late_share_1d",
              "type": "float"
            },
            {
              "name": "dest_history.delay_mean_6h",
              "type": "float"
            },
            {
              "name": "dest_history.late_share_1d",
              "type": "float"
            },
            {
              "name": "dest_history.late_share_7d",
              "type": "float"
            },
            {
              "name": "dest_history.late_share_30d",
              "type": "float"
            },
            {
              "name": "flight_history.delay_mean_30d",
              "type": "float"
            },
            {
              "name": "flight_history.late_share_7d",
              "type": "float"
            },
            {
              "name": "flight_history.late_share_30d",
              "type": "float"
            },
            {
              "name": "aircraft_history.delay_mean_1d",
              "type": "float"
            },
            {
              "name": "aircraft_history.late_share_1d",
              "type": "float"
            },
            {
              "name": "aircraft_history.late_share_30d",
              "type": "float"
            },
            {
              "name": "airport_weather.temp",
              "type": "float"
            },
            {
              "name": "airport_weather.dewp",
              "type": "float"
            },
            {
              "name": "airport_weather.wind_speed",
              "type": "float"
            },
            {
              "name": "airport_weather.precip",
              "type": "float"
            },
            {
              "name": "airport_weather.pressure",
              "type": "float"
            },
            {
              "name": "airport_weather.visib",
              "type": "float"
            }
          ],
          "request": [
            {
              "name": "scheduled_departure",
              "nullable": false,
              "type": "timestamp"
            },
            {
              "name": "distance",
              "nullable": false,
              "type": "float"
            },
            {
              "name": "carrier",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "origin",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "dest",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "flight",
              "nullable": false,
              "type": "int"
            },
            {
              "name": "aircraft",
              "nullable": true,
              "type": "string"
            }
          ],
          "uses": [
            {
              "alias": "trip",
              "columns": [
                "hour",
                "minute_of_day",
                "weekday",
                "log_distance",
                "carrier",
                "origin",
                "dest"
              ],
              "group": "trip",
              "lookup": []
            },
            {
              "alias": "carrier_history",
              "columns": [
                "flights_1d",
                "delay_mean_3h",
                "delay_mean_1d",
                "late_share_1d",
                "late_share_7d",
                "late_share_30d"
              ],
              "group": "carrier_history",
              "lookup": [
                {
                  "field": "carrier",
                  "key": "carrier"
                }
              ]
            },
            {
              "alias": "origin_history",
              "columns": [
                "delay_mean_3h",
                "late_share_3h",
                "late_share_1d"
              ],
              "group": "origin_history",
              "lookup": [
                {
                  "field": "origin",
                  "key": "code"
                }
              ]
            },
            {
              "alias": "dest_history",
              "columns": [
                "delay_mean_6h",
                "late_share_1d",
                "late_share_7d",
                "late_share_30d"
              ],
              "group": "dest_history",
              "lookup": [
                {
                  "field": "dest",
                  "key": "code"
                }
              ]
            },
            {
              "alias": "flight_history",
              "columns": [
                "delay_mean_30d",
                "late_share_7d",
                "late_share_30d"
              ],
              "group": "flight_history",
              "lookup": [
                {
                  "field": "carrier",
                  "key": "carrier"
                },
                {
                  "field": "flight",
                  "key": "flight"
                }
              ]
            },
            {
              "alias": "aircraft_history",
              "columns": [
                "delay_mean_1d",
                "late_share_1d",
                "late_share_30d"
              ],
              "group": "aircraft_history",
              "lookup": [
                {
                  "field": "aircraft",
                  "key": "aircraft"
                }
              ]
            },
            {
              "alias": "airport_weather",
              "columns": [
                "temp",
                "dewp",
                "wind_speed",
                "precip",
                "pressure",
                "visib"
              ],
              "group": "airport_weather",
              "lookup": [
                {
                  "field": "origin",
                  "key": "code"
                }
              ]
            }
          ]
        },
        "kind": "train",
        "max_loss_of_work_us": 600000000,
        "model": "main",
        "parameters": {
          "batch_size": 512,
          "dropout": 0.2,
          "embedding_size": 8,
          "epochs": 3,
          "hidden": [
            128,
            64
          ],
          "learning_rate": 0.001,
          "numeric_embedding": "periodic",
          "patience": 3,
          "weight_decay": 0.01
        },
        "seed": 7,
        "split": {
          "by": "time",
          "test": 0.15,
          "validation": 0.15
        },
        "task": "binary_classification",
        "threads": 1,
        "type": "tabular"
      },
      "reads": [
        {
          "parts": [
            "dataset"
          ],
          "step": "features.main"
        }
      ]
    },
    {
      "fingerprint": "839602a2cc6a1c766ed1a1c15e65ccc8",
      "name": "evaluate.main",
      "payload": {
        "baseline": "boosted_trees",
        "examples": {
          "at": "scheduled_departure",
          "source": "flights",
          "where": "arr_delay is not null"
        },
        "gates": [
          {
            "at_least": 0.75,
            "at_most": null,
            "if_incomparable": "pass",
            "metric": "roc_auc",
            "min_rows": 1,
            "slice": null,
            "than": null,
            "worse_by_at_most": null
          },
          {
            "at_least": null,
            "at_most": null,
            "if_incomparable": "pass",
            "metric": "roc_auc",
            "min_rows": 1,
            "slice": null,
            "than": "champion",
            "worse_by_at_most": 0.005
          },
          {
            "at_least": null,
            "at_most": null,
            "if_incomparable": "pass",
            "metric": "roc_auc",
            "min_rows": 1,
            "slice": null,
            "than": "baseline",
            "worse_by_at_most": 0.01
          },
          {
            "at_least": 0.6,
            "at_most": null,
            "if_incomparable": "pass",
            "metric": "roc_auc",
            "min_rows": 1000,
            "slice": "carrier",
            "than": null,
            "worse_by_at_most": null
          }
        ],
        "kind": "evaluate",
        "label": {
          "column": "late",
          "known": "landed_at"
        },
        "metrics": [
          "roc_auc",
          "average_precision",
          "log_loss",
          "calibration_error"
        ],
        "model": "main",
        "seed": 7,
        "slices": [
          "carrier",
          "origin"
        ],
        "sources": [
          {
            "available": "landed_at",
            "columns": [
              {
                "name": "flight_id",
                "nullable": false,
                "type": "string"
              },
              {
                "name": "scheduled_departure",
                "nullable": false,
                "type": "timestamp"
              },
              {
                "name": "carrier",
                "nullable": false,
                "type": "string"
              },
              {
                "name": "flight",
                "nullable": false,
                "type": "int"
              },
              {
                "name": "aircraft",
                "nullable": true,
                "type": "string"
              },
              {
                "name": "origin",
                "nullable": false,
                "type": "string"
              },
              {
                "name": "dest",
                "nullable": false,
                "type": "string"
              },
              {
                "name": "distance",
                "nullable": false,
                "type": "float"
              },
              {
                "name": "arr_delay",
                "nullable": true,
                "type": "float"
              },
              {
                "name": "landed_at",
                "nullable": true,
                "type": "timestamp"
              }
            ],
            "derived": [
              {
                "expression": "arr_delay > 15",
                "name": "late",
                "nullable": true,
                "type": "bool"
              }
            ],
            "format": "parquet",
            "key": [
              "flight_id"
            ],
            "known_at_time": [
              "flight_id",
              "scheduled_departure",
              "carrier",
              "flight",
              "aircraft",
              "origin",
              "dest",
              "distance"
            ],
            "name": "flights",
            "time": "scheduled_departure",
            "timezone": null,
            "uri": "s3://flight-delay/data/flights.parquet"
          },
          {
            "available": null,
            "columns": [
              {
                "name": "time_hour",
                "nullable": false,
                "type": "timestamp"
              },
              {
                "name": "origin",
                "nullable": false,
                "type": "string"
              },
              {
                "name": "temp",
                "nullable": true,
                "type": "float"
              },
              {
                "name": "dewp",
                "nullable": true,
                "type": "float"
              },
              {
                "name": "wind_speed",
                "nullable": true,
                "type": "float"
              },
              {
                "name": "precip",
                "nullable": true,
                "type": "float"
              },
              {
                "name": "pressure",
                "nullable": true,
                "type": "float"
              },
              {
                "name": "visib",
                "nullable": true,
                "type": "float"
              }
            ],
            "derived": [],
            "format": "csv",
            "key": [],
            "known_at_time": [
              "time_hour",
              "origin",
              "temp",
              "dewp",
              "wind_speed",
              "precip",
              "pressure",
              "visib"
            ],
            "name": "weather",
            "time": "time_hour",
            "timezone": "UTC",
            "uri": "s3://flight-delay/data/weather.csv"
          }
        ],
        "split": {
          "by": "time",
          "test": 0.15,
          "validation": 0.15
        },
        "task": "binary_classification"
      },
      "reads": [
        {
          "parts": [
            "model"
          ],
          "step": "train.main"
        },
        {
          "parts": [
            "dataset"
          ],
          "step": "features.main"
        },
        {
          "parts": [
            "rows",
            "clock",
            "column:carrier",
            "column:landed_at",
            "column:origin",
            "column:scheduled_departure"
          ],
          "step": "ingest.flights"
        },
        {
          "parts": [],
          "step": "ingest.weather"
        }
      ]
    },
    {
      "fingerprint": "2a3bc3202e21f46956b34cebf6c32d48",
      "name": "register.main",
      "payload": {
        "engine": "onnx",
        "experiment": "flight-delay",
        "kind": "register",
        "model": "main",
        "promote": "release"
      },
      "reads": [
        {
          "parts": [
            "model"
          ],
          "step": "train.main"
        },
        {
          "parts": [
            "evaluation"
          ],
          "step": "evaluate.main"
        },
        {
          "parts": [
            "dataset"
          ],
          "step": "features.main"
        }
      ]
    }
  ],
  "system": "flight-delay"
}
""",
    },
    opts=pulumi.ResourceOptions(
        provider=cluster,
        depends_on=[flight_delay_namespace],
        retain_on_delete=True,
    ),
)

config_monitor_config_map = k8s.core.v1.ConfigMap(
    "flight-delay-config-monitor-ef85e7cd",
    metadata={
        "name": "flight-delay-config-monitor-ef85e7cd",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-prod",
            "app.kubernetes.io/component": "monitor",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "prod",
        },
    },
    immutable=True,
    data={
        "run.json": """{
  "clock": "data",
  "environment": "prod",
  "format": 1,
  "monitor": {
    "clock": "data",
    "models": [
      {
        "alerts": [
          {
            "kind": "log",
            "url": null,
            "url_secret": null
          }
        ],
        "approve": [
          "retrain"
        ],
        "cooldown_us": 259200000000,
        "drift": {
          "false_alarms_per_month": 1.0,
          "features": null,
          "predictions": true,
          "window_us": 86400000000
        },
        "freshness_us": 172800000000,
        "missing": true,
        "model": "main",
        "retrain_on": [
          "drift"
        ],
        "retrain_steps": [
          "ingest.flights",
          "ingest.weather",
          "features.main",
          "train.main",
          "evaluate.main",
          "register.main"
        ]
      }
    ],
    "online_store": {
      "type": "redis"
    },
    "refreshes": [],
    "sources": [
      {
        "available": "landed_at",
        "columns": [
          {
            "name": "flight_id",
            "nullable": false,
            "type": "string"
          },
          {
            "name": "scheduled_departure",
            "nullable": false,
            "type": "timestamp"
          },
          {
            "name": "carrier",
            "nullable": false,
            "type": "string"
          },
          {
            "name": "flight",
            "nullable": false,
            "type": "int"
          },
          {
            "name": "aircraft",
            "nullable": true,
            "type": "string"
          },
          {
            "name": "origin",
            "nullable": false,
            "type": "string"
          },
          {
            "name": "dest",
            "nullable": false,
            "type": "string"
          },
          {
            "name": "distance",
            "nullable": false,
            "type": "float"
          },
          {
            "name": "arr_delay",
            "nullable": true,
            "type": "float"
          },
          {
            "name": "landed_at",
            "nullable": true,
            "type": "timestamp"
          }
        ],
        "derived": [
          {
            "expression": "arr_delay > 15",
            "name": "late",
            "nullable": true,
            "type": "bool"
          }
        ],
        "format": "parquet",
        "key": [
          "flight_id"
        ],
        "known_at_time": [
          "flight_id",
          "scheduled_departure",
          "carrier",
          "flight",
          "aircraft",
          "origin",
          "dest",
          "distance"
        ],
        "name": "flights",
        "time": "scheduled_departure",
        "timezone": null,
        "uri": "s3://flight-delay/data/flights.parquet"
      },
      {
        "available": null,
        "columns": [
          {
            "name": "time_hour",
            "nullable": false,
            "type": "timestamp"
          },
          {
            "name": "origin",
            "nullable": false,
            "type": "string"
          },
          {
            "name": "temp",
            "nullable": true,
            "type": "float"
          },
          {
            "name": "dewp",
            "nullable": true,
            "type": "float"
          },
          {
            "name": "wind_speed",
            "nullable": true,
            "type": "float"
          },
          {
            "name": "precip",
            "nullable": true,
            "type": "float"
          },
          {
            "name": "pressure",
            "nullable": true,
            "type": "float"
          },
          {
            "name": "visib",
            "nullable": true,
            "type": "float"
          }
        ],
        "derived": [],
        "format": "csv",
        "key": [],
        "known_at_time": [
          "time_hour",
          "origin",
          "temp",
          "dewp",
          "wind_speed",
          "precip",
          "pressure",
          "visib"
        ],
        "name": "weather",
        "time": "time_hour",
        "timezone": "UTC",
        "uri": "s3://flight-delay/data/weather.csv"
      }
    ]
  },
  "secrets": [],
  "server": {
    "clock": "data",
    "endpoints": [],
    "online_store": {
      "type": "redis"
    },
    "threads": null
  },
  "steps": [],
  "system": "flight-delay"
}
""",
    },
    opts=pulumi.ResourceOptions(
        provider=cluster,
        depends_on=[flight_delay_namespace],
        retain_on_delete=True,
    ),
)

config_pipeline_config_map = k8s.core.v1.ConfigMap(
    "flight-delay-config-pipeline-2a7632b5",
    metadata={
        "name": "flight-delay-config-pipeline-2a7632b5",
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
    immutable=True,
    data={
        "run.json": """{
  "clock": "data",
  "environment": "prod",
  "format": 1,
  "monitor": {
    "clock": "data",
    "models": [],
    "online_store": {
      "type": "redis"
    },
    "refreshes": [
      {
        "every_us": 900000000,
        "steps": [
          "ingest.flights",
          "ingest.weather",
          "materialize.aircraft_history",
          "materialize.airport_weather",
          "materialize.carrier_history",
          "materialize.dest_history",
          "materialize.flight_history",
          "materialize.origin_history"
        ]
      }
    ],
    "sources": []
  },
  "secrets": [],
  "server": {
    "clock": "data",
    "endpoints": [],
    "online_store": {
      "type": "redis"
    },
    "threads": null
  },
  "steps": [
    {
      "fingerprint": "aa093ca8da02a0e9f7386ebcc998282e",
      "name": "ingest.flights",
      "payload": {
        "checks": [
          {
            "column": "distance",
            "kind": "range",
            "max": 6000.0,
            "min": 0.0,
            "severity": "error"
          },
          {
            "column": "origin",
            "kind": "one_of",
            "severity": "error",
            "values": [
              "EWR",
              "JFK",
              "LGA"
            ]
          },
          {
            "kind": "row_count",
            "max": null,
            "min": 1000,
            "severity": "error"
          },
          {
            "kind": "freshness",
            "severity": "warn",
            "within_us": 172800000000
          }
        ],
        "kind": "ingest",
        "source": {
          "available": "landed_at",
          "columns": [
            {
              "name": "flight_id",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "scheduled_departure",
              "nullable": false,
              "type": "timestamp"
            },
            {
              "name": "carrier",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "flight",
              "nullable": false,
              "type": "int"
            },
            {
              "name": "aircraft",
              "nullable": true,
              "type": "string"
            },
            {
              "name": "origin",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "dest",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "distance",
              "nullable": false,
              "type": "float"
            },
            {
              "name": "arr_delay",
              "nullable": true,
              "type": "float"
            },
            {
              "name": "landed_at",
              "nullable": true,
              "type": "timestamp"
            }
          ],
          "derived": [
            {
              "expression": "arr_delay > 15",
              "name": "late",
              "nullable": true,
              "type": "bool"
            }
          ],
          "format": "parquet",
          "key": [
            "flight_id"
          ],
          "known_at_time": [
            "flight_id",
            "scheduled_departure",
            "carrier",
            "flight",
            "aircraft",
            "origin",
            "dest",
            "distance"
          ],
          "name": "flights",
          "time": "scheduled_departure",
          "timezone": null,
          "uri": "s3://flight-delay/data/flights.parquet"
        }
      },
      "reads": []
    },
    {
      "fingerprint": "68e37f8c715e0b7b4881c121043dee41",
      "name": "ingest.weather",
      "payload": {
        "checks": [],
        "kind": "ingest",
        "source": {
          "available": null,
          "columns": [
            {
              "name": "time_hour",
              "nullable": false,
              "type": "timestamp"
            },
            {
              "name": "origin",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "temp",
              "nullable": true,
              "type": "float"
            },
            {
              "name": "dewp",
              "nullable": true,
              "type": "float"
            },
            {
              "name": "wind_speed",
              "nullable": true,
              "type": "float"
            },
            {
              "name": "precip",
              "nullable": true,
              "type": "float"
            },
            {
              "name": "pressure",
              "nullable": true,
              "type": "float"
            },
            {
              "name": "visib",
              "nullable": true,
              "type": "float"
            }
          ],
          "derived": [],
          "format": "csv",
          "key": [],
          "known_at_time": [
            "time_hour",
            "origin",
            "temp",
            "dewp",
            "wind_speed",
            "precip",
            "pressure",
            "visib"
          ],
          "name": "weather",
          "time": "time_hour",
          "timezone": "UTC",
          "uri": "s3://flight-delay/data/weather.csv"
        }
      },
      "reads": []
    },
    {
      "fingerprint": "e9e6c139233bf4192a573ac4a8afab81",
      "name": "materialize.aircraft_history",
      "payload": {
        "group": {
          "aggregates": [
            {
              "column": "arr_delay",
              "function": "mean",
              "name": "delay_mean_1d",
              "tail_us": 300000000,
              "type": "float",
              "window_us": 86400000000
            },
            {
              "column": "late",
              "function": "mean",
              "name": "late_share_1d",
              "tail_us": 300000000,
              "type": "float",
              "window_us": 86400000000
            },
            {
              "column": "late",
              "function": "mean",
              "name": "late_share_30d",
              "tail_us": 86400000000,
              "type": "float",
              "window_us": 2592000000000
            }
          ],
          "fingerprint": "196458826d18ea335b87b1f6030d38cb",
          "key": [
            {
              "column": "aircraft",
              "name": "aircraft",
              "type": "string"
            }
          ],
          "kind": "aggregate",
          "name": "aircraft_history",
          "source": "flights"
        },
        "kind": "materialize",
        "source": {
          "available": "landed_at",
          "columns": [
            {
              "name": "flight_id",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "scheduled_departure",
              "nullable": false,
              "type": "timestamp"
            },
            {
              "name": "carrier",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "flight",
              "nullable": false,
              "type": "int"
            },
            {
              "name": "aircraft",
              "nullable": true,
              "type": "string"
            },
            {
              "name": "origin",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "dest",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "distance",
              "nullable": false,
              "type": "float"
            },
            {
              "name": "arr_delay",
              "nullable": true,
              "type": "float"
            },
            {
              "name": "landed_at",
              "nullable": true,
              "type": "timestamp"
            }
          ],
          "derived": [
            {
              "expression": "arr_delay > 15",
              "name": "late",
              "nullable": true,
              "type": "bool"
            }
          ],
          "format": "parquet",
          "key": [
            "flight_id"
          ],
          "known_at_time": [
            "flight_id",
            "scheduled_departure",
            "carrier",
            "flight",
            "aircraft",
            "origin",
            "dest",
            "distance"
          ],
          "name": "flights",
          "time": "scheduled_departure",
          "timezone": null,
          "uri": "s3://flight-delay/data/flights.parquet"
        }
      },
      "reads": [
        {
          "parts": [
            "rows",
            "clock",
            "column:aircraft",
            "column:arr_delay",
            "column:landed_at",
            "column:late",
            "column:scheduled_departure"
          ],
          "step": "ingest.flights"
        }
      ]
    },
    {
      "fingerprint": "9402840fe74cc90a2cbb530941e94e07",
      "name": "materialize.airport_weather",
      "payload": {
        "group": {
          "columns": [
            {
              "name": "temp",
              "type": "float"
            },
            {
              "name": "dewp",
              "type": "float"
            },
            {
              "name": "wind_speed",
              "type": "float"
            },
            {
              "name": "precip",
              "type": "float"
            },
            {
              "name": "pressure",
              "type": "float"
            },
            {
              "name": "visib",
              "type": "float"
            }
          ],
          "fingerprint": "8eaf0015e42151d78a0bf33d97058260",
          "key": [
            {
              "column": "origin",
              "name": "code",
              "type": "string"
            }
          ],
          "kind": "latest",
          "name": "airport_weather",
          "source": "weather",
          "ttl_us": 10800000000
        },
        "kind": "materialize",
        "source": {
          "available": null,
          "columns": [
            {
              "name": "time_hour",
              "nullable": false,
              "type": "timestamp"
            },
            {
              "name": "origin",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "temp",
              "nullable": true,
              "type": "float"
            },
            {
              "name": "dewp",
              "nullable": true,
              "type": "float"
            },
            {
              "name": "wind_speed",
              "nullable": true,
              "type": "float"
            },
            {
              "name": "precip",
              "nullable": true,
              "type": "float"
            },
            {
              "name": "pressure",
              "nullable": true,
              "type": "float"
            },
            {
              "name": "visib",
              "nullable": true,
              "type": "float"
            }
          ],
          "derived": [],
          "format": "csv",
          "key": [],
          "known_at_time": [
            "time_hour",
            "origin",
            "temp",
            "dewp",
            "wind_speed",
            "precip",
            "pressure",
            "visib"
          ],
          "name": "weather",
          "time": "time_hour",
          "timezone": "UTC",
          "uri": "s3://flight-delay/data/weather.csv"
        }
      },
      "reads": [
        {
          "parts": [
            "rows",
            "clock",
            "column:dewp",
            "column:origin",
            "column:precip",
            "column:pressure",
            "column:temp",
            "column:time_hour",
            "column:visib",
            "column:wind_speed"
          ],
          "step": "ingest.weather"
        }
      ]
    },
    {
      "fingerprint": "9a22ad883fb1fdfce2fa9fb66f28ad47",
      "name": "materialize.carrier_history",
      "payload": {
        "group": {
          "aggregates": [
            {
              "column": null,
              "function": "count",
              "name": "flights_1d",
              "tail_us": 300000000,
              "type": "int",
              "window_us": 86400000000
            },
            {
              "column": "arr_delay",
              "function": "mean",
              "name": "delay_mean_3h",
              "tail_us": 300000000,
              "type": "float",
              "window_us": 10800000000
            },
            {
              "column": "arr_delay",
              "function": "mean",
              "name": "delay_mean_1d",
              "tail_us": 300000000,
              "type": "float",
              "window_us": 86400000000
            },
            {
              "column": "late",
              "function": "mean",
              "name": "late_share_1d",
              "tail_us": 300000000,
              "type": "float",
              "window_us": 86400000000
            },
            {
              "column": "late",
              "function": "mean",
              "name": "late_share_7d",
              "tail_us": 3600000000,
              "type": "float",
              "window_us": 604800000000
            },
            {
              "column": "late",
              "function": "mean",
              "name": "late_share_30d",
              "tail_us": 86400000000,
              "type": "float",
              "window_us": 2592000000000
            }
          ],
          "fingerprint": "4d1dd359a515f8be821f493966c888dd",
          "key": [
            {
              "column": "carrier",
              "name": "carrier",
              "type": "string"
            }
          ],
          "kind": "aggregate",
          "name": "carrier_history",
          "source": "flights"
        },
        "kind": "materialize",
        "source": {
          "available": "landed_at",
          "columns": [
            {
              "name": "flight_id",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "scheduled_departure",
              "nullable": false,
              "type": "timestamp"
            },
            {
              "name": "carrier",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "flight",
              "nullable": false,
              "type": "int"
            },
            {
              "name": "aircraft",
              "nullable": true,
              "type": "string"
            },
            {
              "name": "origin",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "dest",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "distance",
              "nullable": false,
              "type": "float"
            },
            {
              "name": "arr_delay",
              "nullable": true,
              "type": "float"
            },
            {
              "name": "landed_at",
              "nullable": true,
              "type": "timestamp"
            }
          ],
          "derived": [
            {
              "expression": "arr_delay > 15",
              "name": "late",
              "nullable": true,
              "type": "bool"
            }
          ],
          "format": "parquet",
          "key": [
            "flight_id"
          ],
          "known_at_time": [
            "flight_id",
            "scheduled_departure",
            "carrier",
            "flight",
            "aircraft",
            "origin",
            "dest",
            "distance"
          ],
          "name": "flights",
          "time": "scheduled_departure",
          "timezone": null,
          "uri": "s3://flight-delay/data/flights.parquet"
        }
      },
      "reads": [
        {
          "parts": [
            "rows",
            "clock",
            "column:arr_delay",
            "column:carrier",
            "column:landed_at",
            "column:late",
            "column:scheduled_departure"
          ],
          "step": "ingest.flights"
        }
      ]
    },
    {
      "fingerprint": "12c9a791fb2859444e6e65b35acca1e8",
      "name": "materialize.dest_history",
      "payload": {
        "group": {
          "aggregates": [
            {
              "column": "arr_delay",
              "function": "mean",
              "name": "delay_mean_6h",
              "tail_us": 300000000,
              "type": "float",
              "window_us": 21600000000
            },
            {
              "column": "late",
              "function": "mean",
              "name": "late_share_1d",
              "tail_us": 300000000,
              "type": "float",
              "window_us": 86400000000
            },
            {
              "column": "late",
              "function": "mean",
              "name": "late_share_7d",
              "tail_us": 3600000000,
              "type": "float",
              "window_us": 604800000000
            },
            {
              "column": "late",
              "function": "mean",
              "name": "late_share_30d",
              "tail_us": 86400000000,
              "type": "float",
              "window_us": 2592000000000
            }
          ],
          "fingerprint": "0e5fa60b06e1277ba9e70fe3393cd0ac",
          "key": [
            {
              "column": "dest",
              "name": "code",
              "type": "string"
            }
          ],
          "kind": "aggregate",
          "name": "dest_history",
          "source": "flights"
        },
        "kind": "materialize",
        "source": {
          "available": "landed_at",
          "columns": [
            {
              "name": "flight_id",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "scheduled_departure",
              "nullable": false,
              "type": "timestamp"
            },
            {
              "name": "carrier",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "flight",
              "nullable": false,
              "type": "int"
            },
            {
              "name": "aircraft",
              "nullable": true,
              "type": "string"
            },
            {
              "name": "origin",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "dest",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "distance",
              "nullable": false,
              "type": "float"
            },
            {
              "name": "arr_delay",
              "nullable": true,
              "type": "float"
            },
            {
              "name": "landed_at",
              "nullable": true,
              "type": "timestamp"
            }
          ],
          "derived": [
            {
              "expression": "arr_delay > 15",
              "name": "late",
              "nullable": true,
              "type": "bool"
            }
          ],
          "format": "parquet",
          "key": [
            "flight_id"
          ],
          "known_at_time": [
            "flight_id",
            "scheduled_departure",
            "carrier",
            "flight",
            "aircraft",
            "origin",
            "dest",
            "distance"
          ],
          "name": "flights",
          "time": "scheduled_departure",
          "timezone": null,
          "uri": "s3://flight-delay/data/flights.parquet"
        }
      },
      "reads": [
        {
          "parts": [
            "rows",
            "clock",
            "column:arr_delay",
            "column:dest",
            "column:landed_at",
            "column:late",
            "column:scheduled_departure"
          ],
          "step": "ingest.flights"
        }
      ]
    },
    {
      "fingerprint": "ab588684de8a61bc94f7c4ffa8cdcdc4",
      "name": "materialize.flight_history",
      "payload": {
        "group": {
          "aggregates": [
            {
              "column": "arr_delay",
              "function": "mean",
              "name": "delay_mean_30d",
              "tail_us": 86400000000,
              "type": "float",
              "window_us": 2592000000000
            },
            {
              "column": "late",
              "function": "mean",
              "name": "late_share_7d",
              "tail_us": 3600000000,
              "type": "float",
              "window_us": 604800000000
            },
            {
              "column": "late",
              "function": "mean",
              "name": "late_share_30d",
              "tail_us": 86400000000,
              "type": "float",
              "window_us": 2592000000000
            }
          ],
          "fingerprint": "0229a8ae49025b7d8137414a0f4b883d",
          "key": [
            {
              "column": "carrier",
              "name": "carrier",
              "type": "string"
            },
            {
              "column": "flight",
              "name": "flight",
              "type": "int"
            }
          ],
          "kind": "aggregate",
          "name": "flight_history",
          "source": "flights"
        },
        "kind": "materialize",
        "source": {
          "available": "landed_at",
          "columns": [
            {
              "name": "flight_id",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "scheduled_departure",
              "nullable": false,
              "type": "timestamp"
            },
            {
              "name": "carrier",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "flight",
              "nullable": false,
              "type": "int"
            },
            {
              "name": "aircraft",
              "nullable": true,
              "type": "string"
            },
            {
              "name": "origin",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "dest",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "distance",
              "nullable": false,
              "type": "float"
            },
            {
              "name": "arr_delay",
              "nullable": true,
              "type": "float"
            },
            {
              "name": "landed_at",
              "nullable": true,
              "type": "timestamp"
            }
          ],
          "derived": [
            {
              "expression": "arr_delay > 15",
              "name": "late",
              "nullable": true,
              "type": "bool"
            }
          ],
          "format": "parquet",
          "key": [
            "flight_id"
          ],
          "known_at_time": [
            "flight_id",
            "scheduled_departure",
            "carrier",
            "flight",
            "aircraft",
            "origin",
            "dest",
            "distance"
          ],
          "name": "flights",
          "time": "scheduled_departure",
          "timezone": null,
          "uri": "s3://flight-delay/data/flights.parquet"
        }
      },
      "reads": [
        {
          "parts": [
            "rows",
            "clock",
            "column:arr_delay",
            "column:carrier",
            "column:flight",
            "column:landed_at",
            "column:late",
            "column:scheduled_departure"
          ],
          "step": "ingest.flights"
        }
      ]
    },
    {
      "fingerprint": "f174694e7b87f9ce7f459ff23165c786",
      "name": "materialize.origin_history",
      "payload": {
        "group": {
          "aggregates": [
            {
              "column": "arr_delay",
              "function": "mean",
              "name": "delay_mean_3h",
              "tail_us": 300000000,
              "type": "float",
              "window_us": 10800000000
            },
            {
              "column": "late",
              "function": "mean",
              "name": "late_share_3h",
              "tail_us": 300000000,
              "type": "float",
              "window_us": 10800000000
            },
            {
              "column": "late",
              "function": "mean",
              "name": "late_share_1d",
              "tail_us": 300000000,
              "type": "float",
              "window_us": 86400000000
            }
          ],
          "fingerprint": "dffb72ea92adf0f1bc4701f4472341a1",
          "key": [
            {
              "column": "origin",
              "name": "code",
              "type": "string"
            }
          ],
          "kind": "aggregate",
          "name": "origin_history",
          "source": "flights"
        },
        "kind": "materialize",
        "source": {
          "available": "landed_at",
          "columns": [
            {
              "name": "flight_id",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "scheduled_departure",
              "nullable": false,
              "type": "timestamp"
            },
            {
              "name": "carrier",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "flight",
              "nullable": false,
              "type": "int"
            },
            {
              "name": "aircraft",
              "nullable": true,
              "type": "string"
            },
            {
              "name": "origin",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "dest",
              "nullable": false,
              "type": "string"
            },
            {
              "name": "distance",
              "nullable": false,
              "type": "float"
            },
            {
              "name": "arr_delay",
              "nullable": true,
              "type": "float"
            },
            {
              "name": "landed_at",
              "nullable": true,
              "type": "timestamp"
            }
          ],
          "derived": [
            {
              "expression": "arr_delay > 15",
              "name": "late",
              "nullable": true,
              "type": "bool"
            }
          ],
          "format": "parquet",
          "key": [
            "flight_id"
          ],
          "known_at_time": [
            "flight_id",
            "scheduled_departure",
            "carrier",
            "flight",
            "aircraft",
            "origin",
            "dest",
            "distance"
          ],
          "name": "flights",
          "time": "scheduled_departure",
          "timezone": null,
          "uri": "s3://flight-delay/data/flights.parquet"
        }
      },
      "reads": [
        {
          "parts": [
            "rows",
            "clock",
            "column:arr_delay",
            "column:landed_at",
            "column:late",
            "column:origin",
            "column:scheduled_departure"
          ],
          "step": "ingest.flights"
        }
      ]
    }
  ],
  "system": "flight-delay"
}
""",
    },
    opts=pulumi.ResourceOptions(
        provider=cluster,
        depends_on=[flight_delay_namespace],
        retain_on_delete=True,
    ),
)
