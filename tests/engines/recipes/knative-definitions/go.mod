module engines/knative-definitions

go 1.26.8

require knative.dev/serving v0.51.0
