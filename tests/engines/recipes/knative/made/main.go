// knative-made reads a JSON list of Knative Services and says of each what Knative's own code makes of it: what its
// webhook objects to, with the defaults of an installation, and the Deployment and the scaling of its first revision.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	netcfg "knative.dev/networking/pkg/config"
	"knative.dev/networking/pkg/ingress"
	"knative.dev/pkg/apis"
	"knative.dev/pkg/logging"
	"knative.dev/pkg/metrics"
	"knative.dev/pkg/network"
	tracing "knative.dev/pkg/tracing/config"
	"knative.dev/serving/pkg/apis/autoscaling/v1alpha1"
	apiconfig "knative.dev/serving/pkg/apis/config"
	v1 "knative.dev/serving/pkg/apis/serving/v1"
	"knative.dev/serving/pkg/deployment"
	scaling "knative.dev/serving/pkg/reconciler/autoscaling/resources"
	configuration "knative.dev/serving/pkg/reconciler/configuration/resources"
	"knative.dev/serving/pkg/reconciler/revision/config"
	revision "knative.dev/serving/pkg/reconciler/revision/resources"
	service "knative.dev/serving/pkg/reconciler/service/resources"
)

type answer struct {
	Errors     string             `json:"errors"`
	Warnings   string             `json:"warnings"`
	Deployment *appsv1.Deployment `json:"deployment,omitempty"`
	Scaling    *bounds            `json:"scaling,omitempty"`
	Hosts      []string           `json:"hosts"`
}

type bounds struct {
	Class            string  `json:"class"`
	Metric           string  `json:"metric"`
	Target           float64 `json:"target"`
	Total            float64 `json:"total"`
	Least            int32   `json:"least"`
	Most             int32   `json:"most"`
	Initial          int32   `json:"initial"`
	WindowSeconds    float64 `json:"window_seconds"`
	PanicWindow      float64 `json:"panic_window_percentage"`
	PanicThreshold   float64 `json:"panic_threshold_percentage"`
	ScaleDownSeconds float64 `json:"scale_down_seconds"`
	ProgressSeconds  float64 `json:"progress_seconds"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	if err := os.Setenv("SYSTEM_NAMESPACE", "knative-serving"); err != nil {
		return err
	}
	var written []json.RawMessage
	if err := json.NewDecoder(os.Stdin).Decode(&written); err != nil {
		return err
	}
	answers := []answer{}
	for _, one := range written {
		made, err := judged(one)
		if err != nil {
			return err
		}
		answers = append(answers, made)
	}
	return json.NewEncoder(os.Stdout).Encode(answers)
}

// judged is what the webhook and the controllers do, in their order. A field that the type does not have is an error.
func judged(written []byte) (answer, error) {
	asked := &v1.Service{}
	decoder := json.NewDecoder(bytes.NewReader(written))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(asked); err != nil {
		return answer{Errors: err.Error(), Hosts: []string{}}, nil
	}
	ctx := apis.WithinCreate(context.Background())
	asked.SetDefaults(ctx)
	found := asked.Validate(ctx)
	host := network.GetServiceHostname(asked.Name, asked.Namespace)
	said := answer{
		Errors: found.Filter(apis.ErrorLevel).Error(), Warnings: found.Filter(apis.WarningLevel).Error(),
		Hosts: sets.List(ingress.ExpandedHosts(sets.New(host))),
	}
	if said.Errors != "" {
		return said, nil
	}
	err := said.add(ctx, asked)
	return said, err
}

func (said *answer) add(ctx context.Context, asked *v1.Service) error {
	installed := apiconfig.FromContextOrDefaults(ctx)
	deployed, err := deployment.NewConfigFromMap(map[string]string{"queue-sidecar-image": "registry.example.com/queue"})
	if err != nil {
		return err
	}
	settings := &config.Config{
		Config: installed, Deployment: deployed, Logging: &logging.Config{}, Network: &netcfg.Config{},
		Observability: &metrics.ObservabilityConfig{}, Tracing: &tracing.Config{},
	}
	configured := service.MakeConfiguration(asked)
	configured.Generation = 1
	first := configuration.MakeRevision(ctx, configured, time.Unix(0, 0))
	first.SetDefaults(ctx)
	if said.Deployment, err = revision.MakeDeployment(first, settings); err != nil {
		return err
	}
	said.Scaling = scaled(revision.MakePA(first, said.Deployment), installed)
	return nil
}

func scaled(pa *v1alpha1.PodAutoscaler, installed *apiconfig.Config) *bounds {
	target, total := scaling.ResolveMetricTarget(pa, installed.Autoscaler)
	pa.Spec.Reachability = v1alpha1.ReachabilityReachable
	least, most := pa.ScaleBounds(installed.Autoscaler)
	initial, _ := pa.InitialScale()
	window, _ := pa.Window()
	panicWindow, _ := pa.PanicWindowPercentage()
	panicThreshold, _ := pa.PanicThresholdPercentage()
	delay, _ := pa.ScaleDownDelay()
	progress, _ := pa.ProgressDeadline()
	return &bounds{
		Class: pa.Class(), Metric: pa.Metric(), Target: target, Total: total, Least: least, Most: most,
		Initial: initial, WindowSeconds: window.Seconds(), PanicWindow: panicWindow, PanicThreshold: panicThreshold,
		ScaleDownSeconds: delay.Seconds(), ProgressSeconds: progress.Seconds(),
	}
}
