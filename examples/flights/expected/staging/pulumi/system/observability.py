"""Observability."""

import pulumi
import pulumi_kubernetes as k8s

from system.cluster import cluster
from system.namespace import flight_delay_namespace

dashboard_endpoint_main_config_map = k8s.core.v1.ConfigMap(
    "flight-delay-dashboard-endpoint-main",
    metadata={
        "name": "flight-delay-dashboard-endpoint-main",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-staging",
            "app.kubernetes.io/component": "monitor",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "staging",
            "grafana_dashboard": "1",
        },
    },
    data={
        "flight-delay-staging-endpoint-main.json": """{
 "uid": "mlsystem-9a56127fed0594be",
 "title": "flight-delay / staging: main",
 "tags": [
  "mlsystem",
  "flight-delay",
  "staging"
 ],
 "schemaVersion": 39,
 "version": 1,
 "editable": false,
 "time": {
  "from": "now-6h",
  "to": "now"
 },
 "refresh": "30s",
 "timezone": "utc",
 "templating": {
  "list": [
   {
    "name": "datasource",
    "label": "Prometheus",
    "type": "datasource",
    "query": "prometheus",
    "hide": 0
   }
  ]
 },
 "annotations": {
  "list": []
 },
 "panels": [
  {
   "id": 1,
   "type": "timeseries",
   "title": "Requests",
   "description": "Per second, by how they ended.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 0,
    "y": 0,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "reqps",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never",
      "stacking": {
       "mode": "normal",
       "group": "A"
      }
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "sum by (outcome) (rate(mlsystem_requests_total{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}[$__rate_interval]))",
     "legendFormat": "{{outcome}}",
     "range": true
    }
   ]
  },
  {
   "id": 2,
   "type": "timeseries",
   "title": "Errors",
   "description": "Requests without an answer; the objective for availability is 99.9%.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 8,
    "y": 0,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "percentunit",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never",
      "thresholdsStyle": {
       "mode": "line"
      }
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       },
       {
        "color": "red",
        "value": 0.001
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "sum(rate(mlsystem_requests_total{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\",outcome!~\\"ok|invalid|cancelled\\"}[$__rate_interval])) / sum(rate(mlsystem_requests_total{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\",outcome!~\\"invalid|cancelled\\"}[$__rate_interval]))",
     "legendFormat": "errors",
     "range": true
    }
   ]
  },
  {
   "id": 3,
   "type": "timeseries",
   "title": "Latency",
   "description": "Of answers, from the first byte of a request.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 16,
    "y": 0,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "s",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never",
      "thresholdsStyle": {
       "mode": "line"
      }
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       },
       {
        "color": "red",
        "value": 0.05
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "histogram_quantile(0.5, sum by (le) (rate(mlsystem_request_duration_seconds_bucket{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}[$__rate_interval])))",
     "legendFormat": "p50",
     "range": true
    },
    {
     "refId": "B",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "histogram_quantile(0.95, sum by (le) (rate(mlsystem_request_duration_seconds_bucket{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}[$__rate_interval])))",
     "legendFormat": "p95",
     "range": true
    },
    {
     "refId": "C",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "histogram_quantile(0.99, sum by (le) (rate(mlsystem_request_duration_seconds_bucket{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}[$__rate_interval])))",
     "legendFormat": "p99",
     "range": true
    }
   ]
  },
  {
   "id": 4,
   "type": "timeseries",
   "title": "Answers in time",
   "description": "Requests answered within 50ms; the objective for latency is 95%.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 0,
    "y": 8,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "percentunit",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never",
      "thresholdsStyle": {
       "mode": "line"
      }
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       },
       {
        "color": "red",
        "value": 0.95
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "sum(rate(mlsystem_request_duration_seconds_bucket{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\",le=\\"0.05\\"}[$__rate_interval])) / sum(rate(mlsystem_requests_total{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\",outcome!~\\"invalid|cancelled\\"}[$__rate_interval]))",
     "legendFormat": "in time",
     "range": true
    }
   ]
  },
  {
   "id": 5,
   "type": "timeseries",
   "title": "Refusals",
   "description": "Requests per second without a prediction, by reason.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 8,
    "y": 8,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "reqps",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never",
      "stacking": {
       "mode": "normal",
       "group": "A"
      }
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "sum by (reason) (rate(mlsystem_refused_total{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}[$__rate_interval]))",
     "legendFormat": "{{reason}}",
     "range": true
    }
   ]
  },
  {
   "id": 6,
   "type": "timeseries",
   "title": "Budget left",
   "description": "Of what may be bad in 30d; below 0 the objective is missed.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 16,
    "y": 8,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "percentunit",
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never"
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "1 - sum_over_time(mlsystem:errors:rate1h{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}[30d:60m]) / sum_over_time(mlsystem:requests:rate1h{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}[30d:60m]) / 0.001",
     "legendFormat": "availability",
     "range": true
    },
    {
     "refId": "B",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "1 - sum_over_time(mlsystem:late:rate1h{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}[30d:60m]) / sum_over_time(mlsystem:requests:rate1h{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}[30d:60m]) / 0.05",
     "legendFormat": "latency",
     "range": true
    }
   ]
  },
  {
   "id": 7,
   "type": "timeseries",
   "title": "Rows",
   "description": "Per second: understood, those of refused requests too, and predicted.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 0,
    "y": 16,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "short",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never"
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "sum(rate(mlsystem_offered_rows_total{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}[$__rate_interval]))",
     "legendFormat": "offered",
     "range": true
    },
    {
     "refId": "B",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "sum(rate(mlsystem_predictions_total{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}[$__rate_interval]))",
     "legendFormat": "predicted",
     "range": true
    }
   ]
  },
  {
   "id": 8,
   "type": "timeseries",
   "title": "Waiting",
   "description": "Rows that wait for the model, and requests that are not answered yet.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 8,
    "y": 16,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "short",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never"
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "sum(mlsystem_queue_rows{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"})",
     "legendFormat": "rows",
     "range": true
    },
    {
     "refId": "B",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "sum(mlsystem_in_flight{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"})",
     "legendFormat": "requests",
     "range": true
    }
   ]
  },
  {
   "id": 9,
   "type": "timeseries",
   "title": "Time in the queue",
   "description": "Of requests, until the model takes them.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 16,
    "y": 16,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "s",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never"
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "histogram_quantile(0.5, sum by (le) (rate(mlsystem_queue_seconds_bucket{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}[$__rate_interval])))",
     "legendFormat": "p50",
     "range": true
    },
    {
     "refId": "B",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "histogram_quantile(0.95, sum by (le) (rate(mlsystem_queue_seconds_bucket{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}[$__rate_interval])))",
     "legendFormat": "p95",
     "range": true
    },
    {
     "refId": "C",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "histogram_quantile(0.99, sum by (le) (rate(mlsystem_queue_seconds_bucket{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}[$__rate_interval])))",
     "legendFormat": "p99",
     "range": true
    }
   ]
  },
  {
   "id": 10,
   "type": "timeseries",
   "title": "Batches",
   "description": "Rows that the model is given at once.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 0,
    "y": 24,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "short",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never"
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "histogram_quantile(0.5, sum by (le) (rate(mlsystem_batch_rows_bucket{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}[$__rate_interval])))",
     "legendFormat": "p50",
     "range": true
    },
    {
     "refId": "B",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "histogram_quantile(0.95, sum by (le) (rate(mlsystem_batch_rows_bucket{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}[$__rate_interval])))",
     "legendFormat": "p95",
     "range": true
    },
    {
     "refId": "C",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "histogram_quantile(0.99, sum by (le) (rate(mlsystem_batch_rows_bucket{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}[$__rate_interval])))",
     "legendFormat": "p99",
     "range": true
    }
   ]
  },
  {
   "id": 11,
   "type": "timeseries",
   "title": "Service time",
   "description": "A batch of n rows takes a\\u00b7n + b, as the slowest server measures it.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 8,
    "y": 24,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "s",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never"
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "max by (part) (mlsystem_service_time_seconds{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"})",
     "legendFormat": "{{part}}",
     "range": true
    }
   ]
  },
  {
   "id": 12,
   "type": "timeseries",
   "title": "Predictions by version",
   "description": "Rows per second.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 16,
    "y": 24,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "reqps",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never",
      "stacking": {
       "mode": "normal",
       "group": "A"
      }
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "sum by (version) (rate(mlsystem_predictions_total{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}[$__rate_interval]))",
     "legendFormat": "version {{version}}",
     "range": true
    }
   ]
  },
  {
   "id": 13,
   "type": "timeseries",
   "title": "Released shares",
   "description": "Of requests, as the servers follow the release.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 0,
    "y": 32,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "percentunit",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never"
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "max by (version) (mlsystem_release_share_ratio{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"})",
     "legendFormat": "version {{version}}",
     "range": true
    }
   ]
  },
  {
   "id": 14,
   "type": "timeseries",
   "title": "Latency by version",
   "description": "Of answers, from the first byte of a request.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 8,
    "y": 32,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "s",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never"
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "histogram_quantile(0.5, sum by (le, version) (rate(mlsystem_version_request_duration_seconds_bucket{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}[$__rate_interval])))",
     "legendFormat": "p50 of {{version}}",
     "range": true
    },
    {
     "refId": "B",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "histogram_quantile(0.95, sum by (le, version) (rate(mlsystem_version_request_duration_seconds_bucket{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}[$__rate_interval])))",
     "legendFormat": "p95 of {{version}}",
     "range": true
    },
    {
     "refId": "C",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "histogram_quantile(0.99, sum by (le, version) (rate(mlsystem_version_request_duration_seconds_bucket{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}[$__rate_interval])))",
     "legendFormat": "p99 of {{version}}",
     "range": true
    }
   ]
  },
  {
   "id": 15,
   "type": "timeseries",
   "title": "Release in force",
   "description": "Its serial; servers that differ have not followed yet.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 16,
    "y": 32,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "short",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never"
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "max(mlsystem_release_serial{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"})",
     "legendFormat": "newest",
     "range": true
    },
    {
     "refId": "B",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "min(mlsystem_release_serial{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"})",
     "legendFormat": "oldest",
     "range": true
    }
   ]
  },
  {
   "id": 16,
   "type": "timeseries",
   "title": "Releases that could not be followed",
   "description": "How often in an hour; what was released before answers.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 0,
    "y": 40,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "short",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never"
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "sum(increase(mlsystem_release_failures_total{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}[1h]))",
     "legendFormat": "failures",
     "range": true
    }
   ]
  },
  {
   "id": 17,
   "type": "timeseries",
   "title": "Missing features by cause",
   "description": "Values per second that were null.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 8,
    "y": 40,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "short",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never",
      "stacking": {
       "mode": "normal",
       "group": "A"
      }
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "sum by (cause) (rate(mlsystem_missing_features_total{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}[$__rate_interval]))",
     "legendFormat": "{{cause}}",
     "range": true
    }
   ]
  },
  {
   "id": 18,
   "type": "timeseries",
   "title": "Most missing features",
   "description": "Values per second that were null, by cause.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 16,
    "y": 40,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "short",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never"
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "topk(10, sum by (feature, cause) (rate(mlsystem_missing_features_total{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}[$__rate_interval])))",
     "legendFormat": "{{feature}} ({{cause}})",
     "range": true
    }
   ]
  },
  {
   "id": 19,
   "type": "timeseries",
   "title": "Age of sources",
   "description": "Of the newest row, on the environment's clock.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 0,
    "y": 48,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "s",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never",
      "thresholdsStyle": {
       "mode": "line"
      }
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       },
       {
        "color": "red",
        "value": 172800.0
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "max by (source) (mlsystem_source_age_seconds{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"})",
     "legendFormat": "{{source}}",
     "range": true
    }
   ]
  },
  {
   "id": 20,
   "type": "timeseries",
   "title": "Drift",
   "description": "The share of rows that moved, of the columns that moved most.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 8,
    "y": 48,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "percentunit",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never"
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "topk(10, max by (column, test) (mlsystem_drift_effect_ratio{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}))",
     "legendFormat": "{{column}} ({{test}})",
     "range": true
    }
   ]
  },
  {
   "id": 21,
   "type": "timeseries",
   "title": "Replicas",
   "description": "Those that Prometheus reaches, and the bounds of the autoscaler.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 16,
    "y": 48,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "short",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never"
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "sum(up{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\",component=\\"server\\"})",
     "legendFormat": "up",
     "range": true
    },
    {
     "refId": "B",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "vector(2)",
     "legendFormat": "least",
     "range": true
    },
    {
     "refId": "C",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "vector(10)",
     "legendFormat": "most",
     "range": true
    }
   ]
  },
  {
   "id": 22,
   "type": "timeseries",
   "title": "Use of a replica",
   "description": "Of what it requested: the busiest, and the one with the most memory.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 0,
    "y": 56,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "percentunit",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never",
      "thresholdsStyle": {
       "mode": "line"
      }
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       },
       {
        "color": "red",
        "value": 1.0
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "max(rate(process_cpu_seconds_total{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}[$__rate_interval])) / 1",
     "legendFormat": "CPU",
     "range": true
    },
    {
     "refId": "B",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "max(process_resident_memory_bytes{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}) / 2147483648",
     "legendFormat": "memory",
     "range": true
    }
   ]
  },
  {
   "id": 23,
   "type": "timeseries",
   "title": "Not kept",
   "description": "In an hour: records of the prediction log by reason, and numbers that metrics had no room for.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 8,
    "y": 56,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "short",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never"
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "sum by (reason) (increase(mlsystem_prediction_log_dropped_total{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}[1h]))",
     "legendFormat": "log: {{reason}}",
     "range": true
    },
    {
     "refId": "B",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "sum(increase(mlsystem_metrics_refused_total{system=\\"flight-delay\\",environment=\\"staging\\",model=\\"main\\"}[1h]))",
     "legendFormat": "metrics",
     "range": true
    }
   ]
  }
 ]
}
""",
    },
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)

dashboard_system_config_map = k8s.core.v1.ConfigMap(
    "flight-delay-dashboard-system",
    metadata={
        "name": "flight-delay-dashboard-system",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-staging",
            "app.kubernetes.io/component": "monitor",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "staging",
            "grafana_dashboard": "1",
        },
    },
    data={
        "flight-delay-staging-system.json": """{
 "uid": "mlsystem-33962a9709b175bf",
 "title": "flight-delay / staging",
 "tags": [
  "mlsystem",
  "flight-delay",
  "staging"
 ],
 "schemaVersion": 39,
 "version": 1,
 "editable": false,
 "time": {
  "from": "now-6h",
  "to": "now"
 },
 "refresh": "30s",
 "timezone": "utc",
 "templating": {
  "list": [
   {
    "name": "datasource",
    "label": "Prometheus",
    "type": "datasource",
    "query": "prometheus",
    "hide": 0
   }
  ]
 },
 "annotations": {
  "list": []
 },
 "panels": [
  {
   "id": 1,
   "type": "timeseries",
   "title": "Requests",
   "description": "Per second, by model.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 0,
    "y": 0,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "reqps",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never",
      "stacking": {
       "mode": "normal",
       "group": "A"
      }
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "sum by (model) (rate(mlsystem_requests_total{system=\\"flight-delay\\",environment=\\"staging\\"}[$__rate_interval]))",
     "legendFormat": "{{model}}",
     "range": true
    }
   ]
  },
  {
   "id": 2,
   "type": "timeseries",
   "title": "Errors",
   "description": "Requests without an answer, by model.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 8,
    "y": 0,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "percentunit",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never"
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "(sum by (model) (rate(mlsystem_requests_total{system=\\"flight-delay\\",environment=\\"staging\\",outcome=~\\"error|rejected\\"}[$__rate_interval])) or 0 * sum by (model) (rate(mlsystem_requests_total{system=\\"flight-delay\\",environment=\\"staging\\",outcome!~\\"invalid|cancelled\\"}[$__rate_interval]))) / sum by (model) (rate(mlsystem_requests_total{system=\\"flight-delay\\",environment=\\"staging\\",outcome!~\\"invalid|cancelled\\"}[$__rate_interval]))",
     "legendFormat": "{{model}}",
     "range": true
    }
   ]
  },
  {
   "id": 3,
   "type": "timeseries",
   "title": "Replicas",
   "description": "That Prometheus reaches, by model.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 16,
    "y": 0,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "short",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never"
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "sum by (model) (up{system=\\"flight-delay\\",environment=\\"staging\\",component=\\"server\\"})",
     "legendFormat": "{{model}}",
     "range": true
    }
   ]
  },
  {
   "id": 4,
   "type": "timeseries",
   "title": "Drift",
   "description": "1 where what a model is asked has changed.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 0,
    "y": 8,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "short",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never"
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "max by (model) (mlsystem_drifted{system=\\"flight-delay\\",environment=\\"staging\\"})",
     "legendFormat": "{{model}}",
     "range": true
    }
   ]
  },
  {
   "id": 5,
   "type": "timeseries",
   "title": "Age of the online store",
   "description": "Since a refresh last ended well, by period.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 8,
    "y": 8,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "s",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never",
      "thresholdsStyle": {
       "mode": "line"
      }
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       },
       {
        "color": "red",
        "value": 2700.0
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "time() - max by (refresh) (mlsystem_refresh_end_timestamp_seconds{system=\\"flight-delay\\",environment=\\"staging\\",outcome=\\"done\\"})",
     "legendFormat": "every {{refresh}}",
     "range": true
    }
   ]
  },
  {
   "id": 6,
   "type": "timeseries",
   "title": "Runs of the pipeline",
   "description": "Since one last ended, by how it did.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 16,
    "y": 8,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "s",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never"
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "time() - max by (outcome) (mlsystem_run_end_timestamp_seconds{system=\\"flight-delay\\",environment=\\"staging\\"})",
     "legendFormat": "{{outcome}}",
     "range": true
    }
   ]
  },
  {
   "id": 7,
   "type": "timeseries",
   "title": "Monitor",
   "description": "Since it last looked, by model.",
   "datasource": {
    "type": "prometheus",
    "uid": "${datasource}"
   },
   "gridPos": {
    "x": 0,
    "y": 16,
    "w": 8,
    "h": 8
   },
   "fieldConfig": {
    "defaults": {
     "unit": "s",
     "min": 0,
     "custom": {
      "drawStyle": "line",
      "fillOpacity": 10,
      "showPoints": "never",
      "thresholdsStyle": {
       "mode": "line"
      }
     },
     "thresholds": {
      "mode": "absolute",
      "steps": [
       {
        "color": "green",
        "value": null
       },
       {
        "color": "red",
        "value": 300.0
       }
      ]
     }
    },
    "overrides": []
   },
   "options": {
    "legend": {
     "displayMode": "list",
     "placement": "bottom",
     "showLegend": true
    },
    "tooltip": {
     "mode": "multi",
     "sort": "desc"
    }
   },
   "targets": [
    {
     "refId": "A",
     "datasource": {
      "type": "prometheus",
      "uid": "${datasource}"
     },
     "expr": "time() - max by (model) (mlsystem_monitor_look_timestamp_seconds{system=\\"flight-delay\\",environment=\\"staging\\"})",
     "legendFormat": "{{model}}",
     "range": true
    }
   ]
  }
 ]
}
""",
    },
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)

rules_main_prometheus_rule = k8s.apiextensions.CustomResource(
    "flight-delay-rules-main",
    api_version="monitoring.coreos.com/v1",
    kind="PrometheusRule",
    metadata={
        "name": "flight-delay-rules-main",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-staging",
            "app.kubernetes.io/component": "monitor",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "staging",
            "mlsystem.dev/model": "main",
        },
    },
    spec={
        "groups": [
            {
                "name": "flight-delay-staging-endpoint-main",
                "rules": [
                    {
                        "record": "mlsystem:requests:rate5m",
                        "expr": 'sum(rate(mlsystem_requests_total{system="flight-delay",environment="staging",model="main",outcome!~"invalid|cancelled"}[5m]))',
                        "labels": {
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                    },
                    {
                        "record": "mlsystem:errors:rate5m",
                        "expr": 'sum(rate(mlsystem_requests_total{system="flight-delay",environment="staging",model="main",outcome!~"ok|invalid|cancelled"}[5m]))',
                        "labels": {
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                    },
                    {
                        "record": "mlsystem:late:rate5m",
                        "expr": 'sum(rate(mlsystem_requests_total{system="flight-delay",environment="staging",model="main",outcome!~"invalid|cancelled"}[5m])) - sum(rate(mlsystem_request_duration_seconds_bucket{system="flight-delay",environment="staging",model="main",le="0.05"}[5m]))',
                        "labels": {
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                    },
                    {
                        "record": "mlsystem:requests:rate30m",
                        "expr": 'sum(rate(mlsystem_requests_total{system="flight-delay",environment="staging",model="main",outcome!~"invalid|cancelled"}[30m]))',
                        "labels": {
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                    },
                    {
                        "record": "mlsystem:errors:rate30m",
                        "expr": 'sum(rate(mlsystem_requests_total{system="flight-delay",environment="staging",model="main",outcome!~"ok|invalid|cancelled"}[30m]))',
                        "labels": {
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                    },
                    {
                        "record": "mlsystem:late:rate30m",
                        "expr": 'sum(rate(mlsystem_requests_total{system="flight-delay",environment="staging",model="main",outcome!~"invalid|cancelled"}[30m])) - sum(rate(mlsystem_request_duration_seconds_bucket{system="flight-delay",environment="staging",model="main",le="0.05"}[30m]))',
                        "labels": {
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                    },
                    {
                        "record": "mlsystem:requests:rate1h",
                        "expr": 'sum(rate(mlsystem_requests_total{system="flight-delay",environment="staging",model="main",outcome!~"invalid|cancelled"}[1h]))',
                        "labels": {
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                    },
                    {
                        "record": "mlsystem:errors:rate1h",
                        "expr": 'sum(rate(mlsystem_requests_total{system="flight-delay",environment="staging",model="main",outcome!~"ok|invalid|cancelled"}[1h]))',
                        "labels": {
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                    },
                    {
                        "record": "mlsystem:late:rate1h",
                        "expr": 'sum(rate(mlsystem_requests_total{system="flight-delay",environment="staging",model="main",outcome!~"invalid|cancelled"}[1h])) - sum(rate(mlsystem_request_duration_seconds_bucket{system="flight-delay",environment="staging",model="main",le="0.05"}[1h]))',
                        "labels": {
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                    },
                    {
                        "record": "mlsystem:requests:rate2h",
                        "expr": 'sum(rate(mlsystem_requests_total{system="flight-delay",environment="staging",model="main",outcome!~"invalid|cancelled"}[2h]))',
                        "labels": {
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                    },
                    {
                        "record": "mlsystem:errors:rate2h",
                        "expr": 'sum(rate(mlsystem_requests_total{system="flight-delay",environment="staging",model="main",outcome!~"ok|invalid|cancelled"}[2h]))',
                        "labels": {
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                    },
                    {
                        "record": "mlsystem:late:rate2h",
                        "expr": 'sum(rate(mlsystem_requests_total{system="flight-delay",environment="staging",model="main",outcome!~"invalid|cancelled"}[2h])) - sum(rate(mlsystem_request_duration_seconds_bucket{system="flight-delay",environment="staging",model="main",le="0.05"}[2h]))',
                        "labels": {
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                    },
                    {
                        "record": "mlsystem:requests:rate6h",
                        "expr": 'sum(rate(mlsystem_requests_total{system="flight-delay",environment="staging",model="main",outcome!~"invalid|cancelled"}[6h]))',
                        "labels": {
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                    },
                    {
                        "record": "mlsystem:errors:rate6h",
                        "expr": 'sum(rate(mlsystem_requests_total{system="flight-delay",environment="staging",model="main",outcome!~"ok|invalid|cancelled"}[6h]))',
                        "labels": {
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                    },
                    {
                        "record": "mlsystem:late:rate6h",
                        "expr": 'sum(rate(mlsystem_requests_total{system="flight-delay",environment="staging",model="main",outcome!~"invalid|cancelled"}[6h])) - sum(rate(mlsystem_request_duration_seconds_bucket{system="flight-delay",environment="staging",model="main",le="0.05"}[6h]))',
                        "labels": {
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                    },
                    {
                        "record": "mlsystem:requests:rate1d",
                        "expr": 'avg_over_time(mlsystem:requests:rate5m{system="flight-delay",environment="staging",model="main"}[1d])',
                        "labels": {
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                    },
                    {
                        "record": "mlsystem:errors:rate1d",
                        "expr": 'avg_over_time(mlsystem:errors:rate5m{system="flight-delay",environment="staging",model="main"}[1d])',
                        "labels": {
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                    },
                    {
                        "record": "mlsystem:late:rate1d",
                        "expr": 'avg_over_time(mlsystem:late:rate5m{system="flight-delay",environment="staging",model="main"}[1d])',
                        "labels": {
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                    },
                    {
                        "record": "mlsystem:requests:rate3d",
                        "expr": 'avg_over_time(mlsystem:requests:rate5m{system="flight-delay",environment="staging",model="main"}[3d])',
                        "labels": {
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                    },
                    {
                        "record": "mlsystem:errors:rate3d",
                        "expr": 'avg_over_time(mlsystem:errors:rate5m{system="flight-delay",environment="staging",model="main"}[3d])',
                        "labels": {
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                    },
                    {
                        "record": "mlsystem:late:rate3d",
                        "expr": 'avg_over_time(mlsystem:late:rate5m{system="flight-delay",environment="staging",model="main"}[3d])',
                        "labels": {
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                    },
                    {
                        "alert": "MlsystemAvailabilityBurnsFast",
                        "expr": '(mlsystem:errors:rate1h{system="flight-delay",environment="staging",model="main"} / mlsystem:requests:rate1h{system="flight-delay",environment="staging",model="main"} > 0.0144 and mlsystem:errors:rate5m{system="flight-delay",environment="staging",model="main"} / mlsystem:requests:rate5m{system="flight-delay",environment="staging",model="main"} > 0.0144 and mlsystem:errors:rate1h{system="flight-delay",environment="staging",model="main"} * 3600 > 2) or (mlsystem:errors:rate6h{system="flight-delay",environment="staging",model="main"} / mlsystem:requests:rate6h{system="flight-delay",environment="staging",model="main"} > 0.006 and mlsystem:errors:rate30m{system="flight-delay",environment="staging",model="main"} / mlsystem:requests:rate30m{system="flight-delay",environment="staging",model="main"} > 0.006 and mlsystem:errors:rate6h{system="flight-delay",environment="staging",model="main"} * 21600 > 2)',
                        "labels": {
                            "severity": "critical",
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                        "annotations": {
                            "summary": "main spends its budget for availability fast (flight-delay, staging)",
                            "description": "{{ $value | humanizePercentage }} of the requests get no answer; 99.9% should get one. Of the budget for 30d, 2% is gone in 1h or 5% is gone in 6h.",
                            "runbook": "docs/guides/alerts.md#mlsystemavailabilityburnsfast",
                        },
                    },
                    {
                        "alert": "MlsystemLatencyBurnsFast",
                        "expr": '((mlsystem:late:rate1h{system="flight-delay",environment="staging",model="main"} / mlsystem:requests:rate1h{system="flight-delay",environment="staging",model="main"} > 0.72 and mlsystem:late:rate5m{system="flight-delay",environment="staging",model="main"} / mlsystem:requests:rate5m{system="flight-delay",environment="staging",model="main"} > 0.72 and mlsystem:late:rate1h{system="flight-delay",environment="staging",model="main"} * 3600 > 2) or (mlsystem:late:rate6h{system="flight-delay",environment="staging",model="main"} / mlsystem:requests:rate6h{system="flight-delay",environment="staging",model="main"} > 0.3 and mlsystem:late:rate30m{system="flight-delay",environment="staging",model="main"} / mlsystem:requests:rate30m{system="flight-delay",environment="staging",model="main"} > 0.3 and mlsystem:late:rate6h{system="flight-delay",environment="staging",model="main"} * 21600 > 2)) unless on (system, environment, model) ALERTS{system="flight-delay",environment="staging",model="main",alertname=~"MlsystemAvailabilityBurnsFast",alertstate="firing"}',
                        "labels": {
                            "severity": "critical",
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                        "annotations": {
                            "summary": "main spends its budget for latency fast (flight-delay, staging)",
                            "description": "{{ $value | humanizePercentage }} of the requests are not answered within 50ms; 95% should be. Of the budget for 30d, 2% is gone in 1h or 5% is gone in 6h.",
                            "runbook": "docs/guides/alerts.md#mlsystemlatencyburnsfast",
                        },
                    },
                    {
                        "alert": "MlsystemAvailabilityBurnsSlowly",
                        "expr": '((mlsystem:errors:rate1d{system="flight-delay",environment="staging",model="main"} / mlsystem:requests:rate1d{system="flight-delay",environment="staging",model="main"} > 0.003 and mlsystem:errors:rate2h{system="flight-delay",environment="staging",model="main"} / mlsystem:requests:rate2h{system="flight-delay",environment="staging",model="main"} > 0.003 and mlsystem:errors:rate1d{system="flight-delay",environment="staging",model="main"} * 86400 > 2) or (mlsystem:errors:rate3d{system="flight-delay",environment="staging",model="main"} / mlsystem:requests:rate3d{system="flight-delay",environment="staging",model="main"} > 0.001 and mlsystem:errors:rate6h{system="flight-delay",environment="staging",model="main"} / mlsystem:requests:rate6h{system="flight-delay",environment="staging",model="main"} > 0.001 and mlsystem:errors:rate3d{system="flight-delay",environment="staging",model="main"} * 259200 > 2)) unless on (system, environment, model) ALERTS{system="flight-delay",environment="staging",model="main",alertname=~"MlsystemAvailabilityBurnsFast",alertstate="firing"}',
                        "labels": {
                            "severity": "warning",
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                        "annotations": {
                            "summary": "main spends its budget for availability too fast (flight-delay, staging)",
                            "description": "{{ $value | humanizePercentage }} of the requests get no answer; 99.9% should get one. Of the budget for 30d, 10% is gone in 1d or 10% is gone in 3d.",
                            "runbook": "docs/guides/alerts.md#mlsystemavailabilityburnsslowly",
                        },
                    },
                    {
                        "alert": "MlsystemLatencyBurnsSlowly",
                        "expr": '((mlsystem:late:rate1d{system="flight-delay",environment="staging",model="main"} / mlsystem:requests:rate1d{system="flight-delay",environment="staging",model="main"} > 0.15 and mlsystem:late:rate2h{system="flight-delay",environment="staging",model="main"} / mlsystem:requests:rate2h{system="flight-delay",environment="staging",model="main"} > 0.15 and mlsystem:late:rate1d{system="flight-delay",environment="staging",model="main"} * 86400 > 2) or (mlsystem:late:rate3d{system="flight-delay",environment="staging",model="main"} / mlsystem:requests:rate3d{system="flight-delay",environment="staging",model="main"} > 0.05 and mlsystem:late:rate6h{system="flight-delay",environment="staging",model="main"} / mlsystem:requests:rate6h{system="flight-delay",environment="staging",model="main"} > 0.05 and mlsystem:late:rate3d{system="flight-delay",environment="staging",model="main"} * 259200 > 2)) unless on (system, environment, model) ALERTS{system="flight-delay",environment="staging",model="main",alertname=~"MlsystemAvailabilityBurnsFast|MlsystemLatencyBurnsFast",alertstate="firing"}',
                        "labels": {
                            "severity": "warning",
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                        "annotations": {
                            "summary": "main spends its budget for latency too fast (flight-delay, staging)",
                            "description": "{{ $value | humanizePercentage }} of the requests are not answered within 50ms; 95% should be. Of the budget for 30d, 10% is gone in 1d or 10% is gone in 3d.",
                            "runbook": "docs/guides/alerts.md#mlsystemlatencyburnsslowly",
                        },
                    },
                    {
                        "alert": "MlsystemNotCounted",
                        "expr": 'max(absent(mlsystem_requests_total{system="flight-delay",environment="staging",model="main",version="",outcome="error"}) or absent(mlsystem_request_duration_seconds_bucket{system="flight-delay",environment="staging",model="main",le="0.05"})) and on () (sum(up{system="flight-delay",environment="staging",model="main",component="server"}) > 0)',
                        "for": "15m",
                        "labels": {
                            "severity": "warning",
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                        "annotations": {
                            "summary": "Requests to main are not counted (flight-delay, staging)",
                            "description": "Servers are up, and do not say what objectives are judged by.",
                            "runbook": "docs/guides/alerts.md#mlsystemnotcounted",
                        },
                    },
                    {
                        "alert": "MlsystemTrafficAbovePeak",
                        "expr": 'sum(rate(mlsystem_requests_total{system="flight-delay",environment="staging",model="main"}[5m])) > 1200',
                        "for": "15m",
                        "labels": {
                            "severity": "warning",
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                        "annotations": {
                            "summary": "More is asked of main than was planned for (flight-delay, staging)",
                            "description": "More than 1200 requests a second: replicas were derived for no more.",
                            "runbook": "docs/guides/alerts.md#mlsystemtrafficabovepeak",
                        },
                    },
                    {
                        "alert": "MlsystemNoTraffic",
                        "expr": 'sum(increase(mlsystem_requests_total{system="flight-delay",environment="staging",model="main"}[15m])) == 0',
                        "labels": {
                            "severity": "warning",
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                        "annotations": {
                            "summary": "Nobody asks main (flight-delay, staging)",
                            "description": "15m without a request, where 400 a second are expected.",
                            "runbook": "docs/guides/alerts.md#mlsystemnotraffic",
                        },
                    },
                    {
                        "alert": "MlsystemServerAbsent",
                        "expr": 'max(absent(up{system="flight-delay",environment="staging",model="main",component="server"} == 1))',
                        "for": "5m",
                        "labels": {
                            "severity": "critical",
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                        "annotations": {
                            "summary": "No server of main answers (flight-delay, staging)",
                            "description": "Prometheus reaches no pod of the endpoint.",
                            "runbook": "docs/guides/alerts.md#mlsystemserverabsent",
                        },
                    },
                    {
                        "alert": "MlsystemNoRelease",
                        "expr": 'max(absent(mlsystem_release_share_ratio{system="flight-delay",environment="staging",model="main"})) and on () (sum(up{system="flight-delay",environment="staging",model="main",component="server"}) > 0)',
                        "for": "30m",
                        "labels": {
                            "severity": "warning",
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                        "annotations": {
                            "summary": "No version of main is released (flight-delay, staging)",
                            "description": "Servers are up and have nothing to answer with.",
                            "runbook": "docs/guides/alerts.md#mlsystemnorelease",
                        },
                    },
                    {
                        "alert": "MlsystemReleaseNotFollowed",
                        "expr": 'sum(increase(mlsystem_release_failures_total{system="flight-delay",environment="staging",model="main"}[10m])) > 0',
                        "for": "5m",
                        "labels": {
                            "severity": "warning",
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                        "annotations": {
                            "summary": "A release of main cannot be followed (flight-delay, staging)",
                            "description": "What answered before goes on; the server's log says why.",
                            "runbook": "docs/guides/alerts.md#mlsystemreleasenotfollowed",
                        },
                    },
                    {
                        "alert": "MlsystemPredictionLogLost",
                        "expr": 'sum(increase(mlsystem_prediction_log_dropped_total{system="flight-delay",environment="staging",model="main"}[15m])) > 0',
                        "labels": {
                            "severity": "warning",
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                        "annotations": {
                            "summary": "Predictions of main are not logged (flight-delay, staging)",
                            "description": "Records could not be written and are lost; answers are not.",
                            "runbook": "docs/guides/alerts.md#mlsystempredictionloglost",
                        },
                    },
                    {
                        "alert": "MlsystemStoreUnreachable",
                        "expr": 'sum(rate(mlsystem_missing_features_total{system="flight-delay",environment="staging",model="main",cause="store_unreachable"}[5m])) > 0',
                        "for": "5m",
                        "labels": {
                            "severity": "critical",
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                        "annotations": {
                            "summary": "main cannot read its features (flight-delay, staging)",
                            "description": "The online store does not answer, or holds nothing of a group.",
                            "runbook": "docs/guides/alerts.md#mlsystemstoreunreachable",
                        },
                    },
                    {
                        "alert": "MlsystemMonitorAbsent",
                        "expr": 'max(absent(mlsystem_monitor_look_timestamp_seconds{system="flight-delay",environment="staging",model="main"})) or time() - max(mlsystem_monitor_look_timestamp_seconds{system="flight-delay",environment="staging",model="main"}) > 300',
                        "for": "10m",
                        "labels": {
                            "severity": "warning",
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                        "annotations": {
                            "summary": "Nobody watches main (flight-delay, staging)",
                            "description": "The monitor has not looked at it: drift, freshness and alerts stand still.",
                            "runbook": "docs/guides/alerts.md#mlsystemmonitorabsent",
                        },
                    },
                    {
                        "alert": "MlsystemSourceStale",
                        "expr": 'max by (source) (mlsystem_source_age_seconds{system="flight-delay",environment="staging",model="main"}) > 172800',
                        "for": "5m",
                        "labels": {
                            "severity": "warning",
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                        "annotations": {
                            "summary": "A source of main is not fresh (flight-delay, staging)",
                            "description": "The newest row of {{ $labels.source }} is older than 2d.",
                            "runbook": "docs/guides/alerts.md#mlsystemsourcestale",
                        },
                    },
                    {
                        "alert": "MlsystemDrift",
                        "expr": 'max(mlsystem_drifted{system="flight-delay",environment="staging",model="main"}) == 1',
                        "labels": {
                            "severity": "warning",
                            "system": "flight-delay",
                            "environment": "staging",
                            "model": "main",
                        },
                        "annotations": {
                            "summary": "What main is asked has changed (flight-delay, staging)",
                            "description": "The newest window of requests or predictions differs from what it was trained on.",
                            "runbook": "docs/guides/alerts.md#mlsystemdrift",
                        },
                    },
                ],
            },
        ],
    },
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)

pipeline_rules_prometheus_rule = k8s.apiextensions.CustomResource(
    "flight-delay-pipeline-rules",
    api_version="monitoring.coreos.com/v1",
    kind="PrometheusRule",
    metadata={
        "name": "flight-delay-pipeline-rules",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-staging",
            "app.kubernetes.io/component": "monitor",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "staging",
        },
    },
    spec={
        "groups": [
            {
                "name": "flight-delay-staging-pipeline",
                "rules": [
                    {
                        "alert": "MlsystemRefreshLate",
                        "expr": 'time() - max(mlsystem_refresh_end_timestamp_seconds{system="flight-delay",environment="staging",refresh="15m",outcome="done"}) > 2700',
                        "labels": {
                            "severity": "warning",
                            "system": "flight-delay",
                            "environment": "staging",
                        },
                        "annotations": {
                            "summary": "The online store is not refreshed every 15m (flight-delay, staging)",
                            "description": "No refresh has ended well for 45m; features grow old.",
                            "runbook": "docs/guides/alerts.md#mlsystemrefreshlate",
                        },
                    },
                    {
                        "alert": "MlsystemRunFailed",
                        "expr": 'max(mlsystem_run_end_timestamp_seconds{system="flight-delay",environment="staging",outcome="failed"}) > (max(mlsystem_run_end_timestamp_seconds{system="flight-delay",environment="staging",outcome=~"done|blocked"}) or vector(0))',
                        "labels": {
                            "severity": "warning",
                            "system": "flight-delay",
                            "environment": "staging",
                        },
                        "annotations": {
                            "summary": "The last run of the pipeline failed (flight-delay, staging)",
                            "description": "What was released before goes on answering; the next run goes on where this one ended.",
                            "runbook": "docs/guides/alerts.md#mlsystemrunfailed",
                        },
                    },
                ],
            },
        ],
    },
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)

server_service_monitor = k8s.apiextensions.CustomResource(
    "flight-delay-server",
    api_version="monitoring.coreos.com/v1",
    kind="ServiceMonitor",
    metadata={
        "name": "flight-delay-server",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-staging",
            "app.kubernetes.io/component": "server",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "staging",
        },
    },
    spec={
        "selector": {
            "matchLabels": {
                "app.kubernetes.io/instance": "flight-delay-staging",
                "app.kubernetes.io/component": "server",
            },
        },
        "namespaceSelector": {"matchNames": ["flight-delay"]},
        "endpoints": [
            {
                "port": "http",
                "path": "/metrics",
                "interval": "15s",
                "honorLabels": True,
                "relabelings": [
                    {"targetLabel": "system", "replacement": "flight-delay"},
                    {"targetLabel": "environment", "replacement": "staging"},
                    {
                        "sourceLabels": ["__meta_kubernetes_service_label_mlsystem_dev_model"],
                        "targetLabel": "model",
                    },
                    {
                        "sourceLabels": [
                            "__meta_kubernetes_service_label_app_kubernetes_io_component",
                        ],
                        "targetLabel": "component",
                    },
                ],
            },
        ],
    },
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)

monitor_pod_monitor = k8s.apiextensions.CustomResource(
    "flight-delay-monitor",
    api_version="monitoring.coreos.com/v1",
    kind="PodMonitor",
    metadata={
        "name": "flight-delay-monitor",
        "namespace": "flight-delay",
        "labels": {
            "app.kubernetes.io/name": "mlsystem",
            "app.kubernetes.io/instance": "flight-delay-staging",
            "app.kubernetes.io/component": "monitor",
            "app.kubernetes.io/part-of": "flight-delay",
            "app.kubernetes.io/managed-by": "mlsystem",
            "mlsystem.dev/system": "flight-delay",
            "mlsystem.dev/environment": "staging",
        },
    },
    spec={
        "selector": {
            "matchLabels": {
                "app.kubernetes.io/instance": "flight-delay-staging",
                "app.kubernetes.io/component": "monitor",
            },
        },
        "namespaceSelector": {"matchNames": ["flight-delay"]},
        "podMetricsEndpoints": [
            {
                "port": "metrics",
                "path": "/metrics",
                "interval": "15s",
                "honorLabels": True,
                "relabelings": [
                    {"targetLabel": "system", "replacement": "flight-delay"},
                    {"targetLabel": "environment", "replacement": "staging"},
                    {
                        "sourceLabels": ["__meta_kubernetes_pod_label_mlsystem_dev_model"],
                        "targetLabel": "model",
                    },
                    {
                        "sourceLabels": ["__meta_kubernetes_pod_label_app_kubernetes_io_component"],
                        "targetLabel": "component",
                    },
                ],
            },
        ],
    },
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[flight_delay_namespace]),
)
