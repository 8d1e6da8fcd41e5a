"""MLS0: the text as YAML, and what is put together from it (includes, variables, overrides)."""

from __future__ import annotations

from mlsystem.diagnostics.code import Code

YAML = {
    "MLS001": Code(
        "the file is not UTF-8",
        "Files of the language are UTF-8 text. Save the file as UTF-8, without other encodings or binary data.",
        "name: caf\\xe9",
        "name: cafe",
    ),
    "MLS002": Code(
        "the text is not YAML",
        "The YAML reader could not go on at this place. Only the first such mistake of a file is reported, because"
        " nothing behind it can be trusted.",
        "metrics: [roc_auc, log_loss",
        "metrics: [roc_auc, log_loss]",
    ),
    "MLS003": Code(
        "a tab where YAML wants spaces",
        "YAML is indented with spaces; a tab has no agreed width.",
        "model:\n\ttask: regression",
        "model:\n  task: regression",
    ),
    "MLS004": Code(
        "the same key twice in one map",
        "Many YAML readers keep the last of two equal keys without a word. Here it is an error: keep one.",
        "seed: 7\nseed: 8",
        "seed: 7",
    ),
    "MLS005": Code(
        "anchors and aliases are not part of the language",
        "`&name` and `*name` hide where a value comes from. Write the value at both places, or declare a variable and"
        " write `${var:NAME}`. A text that begins with * or & needs quotes.",
        "count: *",
        'count: "*"',
    ),
    "MLS006": Code(
        "merge keys are not part of the language",
        "`<<` is no part of YAML 1.2. Write the keys out; what differs between environments stands in `override`.",
        "<<: *defaults",
        "cpu: 4",
    ),
    "MLS007": Code(
        "tags are not part of the language",
        "`!tag` and `!!tag` change how a value is read. Write the plain value; quotes make it text.",
        "seed: !!int 7",
        "seed: 7",
    ),
    "MLS008": Code(
        "more than one document in a file",
        "A file holds one document. Put the second into a file of its own and name that under `include`.",
        "name: a\n---\nname: b",
        "name: a",
    ),
    "MLS009": Code(
        "the file is not a map",
        "A file is a map of keys at the top: apiVersion, name, sources, features, model.",
        "- sources",
        "sources: {}",
    ),
    "MLS010": Code(
        "nested too deeply",
        "Nothing in the language is deeper than a dozen levels; the limit is 40.",
        "a: [[[[[[…]]]]]]",
        "a: []",
    ),
    "MLS011": Code(
        "a key is not a word",
        "Keys are plain words. Lists, maps and empty keys cannot be keys.",
        "? [a, b]\n: 1",
        "a: 1",
    ),
    "MLS012": Code(
        "a character that YAML does not allow",
        "Control characters cannot stand in a YAML file. Remove the character; in quotes it may be written as an"
        " escape such as \\x07.",
        "name: a\\x07b",
        "name: ab",
    ),
}

COMPOSITION = {
    "MLS020": Code(
        "an include names no file",
        "Patterns are relative to the folder of the file that includes; `*` stands for part of a name and `**` for any"
        " folders. A pattern that matches nothing is a mistake.",
        "include: [feature/*.yaml]",
        "include: [features/*.yaml]",
    ),
    "MLS021": Code(
        "an include is not a relative pattern",
        "`include` is a list of patterns relative to the folder of the root file, so that the whole can be moved.",
        "include: [/home/me/features.yaml]",
        "include: [features.yaml]",
    ),
    "MLS022": Code(
        "the same key in two files",
        "Included files are merged with the root file: maps at the top (sources, features, training, …) key by key,"
        " everything else as a whole. Nothing may be written in two files.",
        "# both files\nname: flight-delay",
        "# the root file only\nname: flight-delay",
    ),
    "MLS023": Code(
        "an included file includes others",
        "Only the root file includes, so that one place lists all files.",
        "# features/carrier.yaml\ninclude: [more.yaml]",
        "# mlsystem.yaml\ninclude: [features/*.yaml, more.yaml]",
    ),
    "MLS030": Code(
        "a variable that is not declared",
        "`${var:NAME}` works only for names declared under `variables`.",
        'learning_rate: "${var:lr}"',
        'variables: {lr: {type: float, default: 1e-3}}\n# …\nlearning_rate: "${var:lr}"',
    ),
    "MLS031": Code(
        "a variable has no value",
        "A variable gets its value from the environment variable in `env`, else from `default`; neither is there.",
        "variables: {peak: {type: rate, env: PEAK}}",
        "variables: {peak: {type: rate, env: PEAK, default: 300rps}}",
    ),
    "MLS032": Code(
        "a variable's value is not of its type",
        "The value, from `default` or from the environment, must be what `type` says.",
        "variables: {epochs: {type: int, default: many}}",
        "variables: {epochs: {type: int, default: 8}}",
    ),
    "MLS033": Code(
        "a reference that is not known",
        "`${var:NAME}` and `${secret:NAME}` are the references of the language. Write `$${` for the two characters"
        " themselves.",
        "uri: ${env:DATA}/flights.csv",
        "variables: {data: {type: string, env: DATA, default: data}}\n# …\nuri: ${var:data}/flights.csv",
    ),
    "MLS034": Code(
        "a reference where none can stand",
        "Keys, `include` and `variables` are read before references are resolved, so they cannot contain any.",
        'include: ["${var:folder}/*.yaml"]',
        "include: [features/*.yaml]",
    ),
    "MLS035": Code(
        "a secret inside a longer text",
        "A secret is a value of its own and is read only where it is used, so it cannot be part of a text.",
        'url: "https://example.com/${secret:TOKEN}"',
        'url: "${secret:ALERT_URL}"',
    ),
    "MLS036": Code(
        "a secret where none can be used",
        "Secrets are read by running processes. Only keys that a running process reads (a webhook's `url`)"
        " can be one.",
        'seed: "${secret:SEED}"',
        "seed: 7",
    ),
    "MLS037": Code(
        "credentials inside an address",
        "A file of the language is shared and kept in version control, so it never holds a password or a token. Write"
        " the whole address as a secret, or leave the credentials to the environment of the process.",
        "url: https://user:password@example.com/alerts",
        'url: "${secret:ALERT_URL}"',
    ),
    "MLS038": Code(
        "what is secret inside the file",
        "A file of the language is shared and kept in version control. Tokens and keys are named in it, and read where"
        " they are used.",
        "serving: {auth: {tokens: bV9zZWNyZXRfdG9rZW4}}",
        'serving: {auth: {tokens: "${secret:API_TOKENS}"}}',
    ),
    "MLS040": Code(
        "this cannot be overridden",
        "Entities, features, labels and what is known when decide what a model means, and the name, files, variables"
        " and environments what is being described. They are the same in every environment.",
        "override: {features: {trip: {fields: [distance]}}}",
        "override: {sources: {flights: {uri: data/small.parquet}}}",
    ),
    "MLS041": Code(
        "an override with nothing",
        "An override replaces or adds; it cannot remove. Write the value that holds in this environment.",
        "override: {training: {hardware: null}}",
        "override: {training: {hardware: {cpu: 2}}}",
    ),
}
