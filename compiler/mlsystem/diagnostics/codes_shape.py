"""MLS1: keys, types, ranges, units."""

from __future__ import annotations

from mlsystem.diagnostics.code import Code

SHAPE = {
    "MLS101": Code(
        "a required key is missing",
        "The map that is pointed at needs this key.",
        "label: {known: landed_at}",
        "label: {is: late, known: landed_at}",
    ),
    "MLS102": Code(
        "an unknown key",
        "The language has no such key at this place; nothing is ever ignored in silence.",
        "training: {sed: 7}",
        "training: {seed: 7}",
    ),
    "MLS103": Code(
        "not one of the allowed values",
        "This key takes one of a few words.",
        "split: {by: tiem}",
        "split: {by: time}",
    ),
    "MLS104": Code(
        "a value of the wrong type",
        "The value is a number where text is wanted, a list where a map is wanted, or the like. YAML 1.2 reads `true`,"
        " `1e-3` and `7` as what they look like, and everything else as text; quotes always make text.",
        "epochs: eight",
        "epochs: 8",
    ),
    "MLS105": Code(
        "a number out of range",
        "The number is smaller or greater than what makes sense here.",
        "dropout: 1.5",
        "dropout: 0.1",
    ),
    "MLS106": Code(
        "empty, but something is needed",
        "The list or map needs at least one entry.",
        "features: []",
        "features: [trip.*]",
    ),
    "MLS107": Code(
        "a key without a value",
        "Nothing follows the key, or `null`. Leave the key out for its default, or write the value.",
        "ttl:",
        "ttl: 3h",
    ),
    "MLS108": Code(
        "both ways of writing models",
        "`model`, `training`, `evaluation`, `serving` and `monitoring` at the top describe one model, which is called"
        " `main`. Several models stand under `models`. A file uses one of the two.",
        "models: {a: {model: …}}\ntraining: {seed: 7}",
        "models: {a: {model: …, training: {seed: 7}}}",
    ),
    "MLS111": Code(
        "not a name",
        "Names become parts of file names, addresses and columns, so they are made of letters, digits and _ (or -"
        " where models, systems and environments are named).",
        "name: Flight Delay!",
        "name: flight-delay",
    ),
    "MLS112": Code(
        "not the type of a key",
        "An entity's key is looked up exactly, so each part is a string or an int that is never null.",
        "key: {speed: float}",
        "key: {carrier: string}",
    ),
    "MLS113": Code(
        "a check without a bound",
        "A range or row_count check says at least one of `min` and `max`.",
        "- {kind: range, column: distance}",
        "- {kind: range, column: distance, min: 0}",
    ),
    "MLS114": Code(
        "two values that contradict each other",
        "Each value is fine alone, but not together with its neighbour.",
        "{kind: range, column: distance, min: 9, max: 1}",
        "{kind: range, column: distance, min: 1, max: 9}",
    ),
    "MLS115": Code(
        "an aggregate without exactly one function",
        "An aggregate is one of count, sum, mean, min, max over a window.",
        "busy: {over: 1d}",
        'busy: {count: "*", over: 1d}',
    ),
    "MLS116": Code(
        "not a reference to features",
        "A model's features are listed as `group.*`, `group.feature`, or as a map with `group`, `columns`, `lookup`"
        " and `as`.",
        "features: [trip]",
        "features: [trip.*]",
    ),
    "MLS117": Code(
        "a gate that does not say what must hold",
        "A gate bounds a metric with `at_least` or `at_most`, or compares it: `than` with `worse_by_at_most`.",
        "- {metric: roc_auc, than: champion}",
        "- {metric: roc_auc, than: champion, worse_by_at_most: 0.005}",
    ),
    "MLS118": Code(
        "not a latency objective",
        "`latency` is one percentile from p10 to p99.999 and the time within which that share of the requests is"
        " answered.",
        "latency: {fast: 50ms}",
        "latency: {p95: 50ms}",
    ),
    "MLS119": Code(
        "not a choice of features to watch",
        "`features` is `all`, or a list of the model's features by their full names.",
        "drift: {features: none}",
        "drift: {features: [trip.hour]}",
    ),
    "MLS120": Code(
        "not a quantity with its unit",
        "Units are always written, so that nobody has to guess: durations `50ms` `6h` `2d`, shares `15%`, sizes `8Gi`,"
        " rates `300rps`, frequencies `1/month`, money `$20`, costs `$400/month`.",
        "ttl: 3",
        "ttl: 3h",
    ),
    "MLS121": Code(
        "not an address of this kind",
        "A registry and an image are written without a scheme, other addresses with theirs: `https://`, `redis://`,"
        " `s3://`.",
        "registry: https://registry.example.com/ml",
        "registry: registry.example.com/ml",
    ),
    "MLS123": Code(
        "a quantity that is too small",
        "With so little nothing runs: a server needs some memory, a volume some room, a replica some work.",
        "hardware: {memory: 64Mi}",
        "hardware: {memory: 2Gi}",
    ),
    "MLS122": Code(
        "not a schedule",
        "A schedule has five fields, as in cron: minute, hour, day of the month, month and day of the week (0 is"
        " Sunday), in UTC. Each is a number, `*`, a range, a list, or one of these with a step; some day must fit.",
        'schedule: "3:00"',
        'schedule: "0 3 * * *"',
    ),
}
