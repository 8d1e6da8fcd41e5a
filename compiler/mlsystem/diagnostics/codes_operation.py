"""MLS6: service levels, and what is derived from them."""

from __future__ import annotations

from mlsystem.diagnostics.code import Code

OPERATION: dict[str, Code] = {
    "MLS601": Code(
        "an objective of 100%",
        "The budget of an objective is what may go wrong; here it is nothing. No alert can tell how fast nothing is"
        " spent, and no number of replicas keeps such a promise.",
        "slo: {availability: 100%}",
        "slo: {availability: 99.9%}",
    ),
    "MLS602": Code(
        "an alert that could never fire",
        "An alert fires when the budget is spent so many times faster than it would last. Of a loose objective even"
        " failing requests alone spend no more than that, so the alert is left out; slower windows still watch it.",
        "slo: {availability: 90%}  # a page at 14.4 times: 144% of the requests would have to fail",
        "slo: {availability: 99%}",
    ),
    "MLS603": Code(
        "an alert that one request could trip",
        "With so little traffic a single request that fails is a larger share of a window than the alert allows. It"
        " therefore waits for three of them, however few requests there are.",
        "slo: {availability: 99.9%}\ntraffic: {mean: 0.01rps}",
        "slo: {availability: 95%}\ntraffic: {mean: 0.01rps}",
    ),
    "MLS604": Code(
        "a period too short for its alerts",
        "Alerts look at windows of up to three days, and pages are for what spends a part of the budget much faster"
        " than it would last. In a shorter period some have no room and are left out.",
        "slo: {availability: 99.9%, window: 1d}",
        "slo: {availability: 99.9%, window: 30d}",
    ),
    "MLS605": Code(
        "one replica, and an objective",
        "While a node is drained its pods go before others are ready elsewhere. With one replica nobody answers"
        " meanwhile, and no disruption budget can help: it could only keep the node from being drained.",
        "slo: {availability: 99.9%}\nscaling: {min_replicas: 1}",
        "slo: {availability: 99.9%}\nscaling: {min_replicas: 2}",
    ),
    "MLS606": Code(
        "a certificate for something else",
        "`capacity.lock.json` says of an endpoint which autoscaling holds its objectives, and from what that was"
        " derived: objectives, traffic, limits, hardware, what was measured, prices. One of these is another one now,"
        " so nothing is known of the new question. `mlsystem capacity solve` answers it; the file is committed, so"
        " that a review sees the numbers change.",
        "slo: {latency: {p95: 30ms}}  # solved for 50ms",
        "slo: {latency: {p95: 50ms}}  # or: mlsystem capacity solve",
    ),
    "MLS607": Code(
        "a lock file or a profile that cannot be read",
        "`capacity.lock.json` and `capacity.profile.json` are written by `mlsystem capacity`, not by hand. One that is"
        " damaged, or of another version, is not guessed at: restore it, or write it again.",
        '{"version": 1, "endpoints": {"staging/main": <<<<<<< HEAD',
        '{"version": 1, "endpoints": {}}',
    ),
    "MLS608": Code(
        "a profile of another server",
        "How long requests take was measured with other features, layers, engine, cores, memory or workers. What is"
        " derived from it may not hold. A retraining does not matter: weights are no part of what a profile is of.",
        "hardware: {cpu: 2}  # measured with 1",
        "hardware: {cpu: 1}  # or: mlsystem capacity profile",
    ),
    "MLS609": Code(
        "replicas that cost more than they may",
        "The least replicas already cost more in a month than `max_cost` allows. A month has 730 hours; prices are"
        " those of the environment, or of a public list that `mlsystem plan` names.",
        "hardware: {cpu: 8, memory: 16Gi}\nscaling: {min_replicas: 4, max_cost: $400/month}",
        "hardware: {cpu: 2, memory: 4Gi}\nscaling: {min_replicas: 4, max_cost: $400/month}",
    ),
    "MLS610": Code(
        "a certificate of nobody",
        "`capacity.lock.json` names endpoints as ENVIRONMENT/MODEL. This one has no model of that name: it was removed,"
        " or renamed, and under its new name nothing is certified, so that its scaling is what the file gives.",
        '"endpoints": {"staging/delay": …}  # with models: {lateness: …}',
        '"endpoints": {"staging/lateness": …}',
    ),
    "MLS620": Code(
        "an SLO that no configuration holds",
        "Within the limits that are written, every configuration of the autoscaler was refuted by simulation: by"
        " arithmetic, or in one of the scenarios that it has to hold in (usual traffic, the peak, a flash crowd, a"
        " replica that is lost, an update). The message names the moment at which the nearest one fails; each repair"
        " was searched for in the same way, and would be certified.",
        "traffic: {mean: 40rps, peak: 900rps}\nscaling: {max_replicas: 4}",
        "traffic: {mean: 40rps, peak: 900rps}\nscaling: {max_replicas: 12}",
    ),
    "MLS621": Code(
        "an endpoint with nothing to solve",
        "Replicas are derived from what is promised and what traffic is expected. Without an objective any number of"
        " them holds, and without traffic nobody knows how many are needed.",
        "serving:\n  slo: {latency: {p95: 50ms}}",
        "serving:\n  slo: {latency: {p95: 50ms}}\n  traffic: {mean: 40rps, peak: 120rps}",
    ),
    "MLS660": Code(
        "a shared state without a key for its secrets",
        "Where the state is in a bucket, more than one machine applies, and each has to read what Pulumi has encrypted:"
        " with a key of a key service, or, if you say so, with a passphrase that all of them know.",
        'environments: {prod: {state: "s3://company-state/prod", …}}',
        'environments: {prod: {state: "s3://company-state/prod", pulumi: {secrets_provider: "awskms://alias/pulumi"},'
        " …}}",
    ),
    "MLS661": Code(
        "a shared state, and Pulumi's on one machine",
        "Who applies from another machine finds what was applied, but not what Pulumi made of it. Without `backend`"
        " Pulumi's state is kept beside the other.",
        'environments: {prod: {state: "s3://company-state/prod", pulumi: {backend: "file:///var/pulumi", …}, …}}',
        'environments: {prod: {state: "s3://company-state/prod", pulumi: {secrets_provider: "awskms://alias/pulumi"},'
        " …}}",
    ),
    "MLS662": Code(
        "two environments with one state",
        "A state says what was applied to one environment: another one in the same place would overwrite it.",
        'environments: {dev: {state: "s3://company-state", …}, prod: {state: "s3://company-state", …}}',
        'environments: {dev: {state: "s3://company-state/dev", …}, prod: {state: "s3://company-state/prod", …}}',
    ),
}
