"""MLS2 references, MLS3 expressions, MLS4 points in time and leaks."""

from __future__ import annotations

from mlsystem.diagnostics.code import Code

REFERENCE: dict[str, Code] = {
    "MLS201": Code(
        "a source that is not declared",
        "Groups and examples name a source by its key under `sources`.",
        "source: wether",
        "source: weather",
    ),
    "MLS202": Code(
        "a column that is not declared",
        "Every column that is used stands under `columns` of its source, or under `derive`.",
        "mean: arr_dely",
        "mean: arr_delay",
    ),
    "MLS203": Code(
        "an entity that is not declared",
        "A group of features says whom it describes by the key of an entity under `entities`.",
        "entity: carier",
        "entity: carrier",
    ),
    "MLS204": Code(
        "a feature group that is not declared",
        "A model takes its features from groups under `features`.",
        "features: [carier_history.*]",
        "features: [carrier_history.*]",
    ),
    "MLS205": Code(
        "a feature that its group does not have",
        "`group.feature` names a column of a latest group, an aggregate, or a computed value of a request group.",
        "features: [trip.weekdy]",
        "features: [trip.weekday]",
    ),
    "MLS206": Code(
        "a column of the wrong type",
        "Times are timestamps, ranges and sums need numbers, a label fits its task.",
        "time: carrier",
        "time: scheduled_departure",
    ),
    "MLS207": Code(
        "a key that cannot be looked up",
        "Each part of an entity's key is held by a column of the group's source (`on`), and by a column of the request"
        " (`lookup`), of the same type.",
        "{group: airport_weather, lookup: {cod: origin}}",
        "{group: airport_weather, lookup: {code: origin}}",
    ),
    "MLS208": Code(
        "a name that is taken",
        "A derived column is not called like a declared one, and two uses of features have two names.",
        "features: [{group: airport_weather, lookup: {code: origin}}, {group: airport_weather, lookup: {code: dest}}]",
        "features: [{group: airport_weather, lookup: {code: origin}},"
        " {group: airport_weather, lookup: {code: dest}, as: dest_weather}]",
    ),
    "MLS209": Code(
        "a metric of another task",
        "Each task has its own metrics; `mlsystem explain evaluation.metrics` lists them.",
        "task: regression … metrics: [roc_auc]",
        "task: regression … metrics: [rmse]",
    ),
    "MLS210": Code(
        "a name that means nothing here",
        "`sticky` names columns of the request, `drift.features` features of the model; a gate compares with what"
        " there is.",
        "sticky: [carier]",
        "sticky: [carrier]",
    ),
    "MLS211": Code(
        "a feature group that no model uses",
        "It costs nothing until a model names it; remove it, or add it to a model's features.",
        "features: {carrier_history: …, unused: …}",
        "features: {carrier_history: …}",
    ),
    "MLS212": Code(
        "a time zone that does not exist",
        "Time zones have their names in the IANA database: a region and a city, or UTC.",
        "timezone: America/New_Yrk",
        "timezone: America/New_York",
    ),
    "MLS213": Code(
        "code that is not there",
        "`code.path` is a folder of text files below that of the file, and `code.requirements` a file there: what"
        " lies elsewhere would not be the same on another machine.",
        "code: {path: ../shared}",
        "code: {path: src}",
    ),
    "MLS214": Code(
        "an entrypoint that cannot be used",
        "`entrypoint` is MODULE:FUNCTION in the folder `code.path`. The function is given, by name, what it asks for"
        " of: numeric, categorical, outputs, task, hidden, dropout, numeric_embedding, embedding_size.",
        "model: {type: custom, entrypoint: my_package.model:biuld}",
        "model: {type: custom, entrypoint: my_package.model:build}",
    ),
    "MLS215": Code(
        "code that no model uses",
        "Only models of type `custom` are built by code of your own; nothing reads it until one is.",
        "code: {path: src}\nmodel: {type: tabular}",
        "code: {path: src}\nmodel: {type: custom, entrypoint: my_package.model:build}",
    ),
    "MLS216": Code(
        "a requirement without a hash",
        "Images install only what is pinned with its hashes, so that the same file gives the same libraries; files"
        " that name other files are not followed.",
        "code: {path: src, requirements: requirements.in}  # einops",
        "code: {path: src, requirements: requirements.txt}  # einops==0.8.1 --hash=sha256:…",
    ),
    "MLS217": Code(
        "a trace that is not there",
        "`traffic.trace` is a CSV file below the folder of the file: what lies elsewhere would not be the same on"
        " another machine.",
        "traffic: {trace: ../week.csv}",
        "traffic: {trace: traffic/week.csv}",
    ),
    "MLS218": Code(
        "a trace that cannot be read",
        "`traffic.trace` is a CSV file whose first line names `time` and one of `rps` and `requests`; below it times"
        " rise, as seconds or as moments with a zone. Ten minutes or more without requests are a warning: often the"
        " recording failed there, and what follows looks like a flash crowd.",
        "traffic: {trace: traffic/week.csv}  # whose line 3 is: 60,forty",
        "traffic: {trace: traffic/week.csv}  # whose line 3 is: 60,40",
    ),
}

EXPRESSION: dict[str, Code] = {
    "MLS301": Code(
        "an expression that cannot be understood",
        "Expressions are a closed set: arithmetic, comparisons, and, or, not, is null, and the documented functions,"
        " over the columns of one row.",
        "derive: {late: arr_delay >> 15}",
        "derive: {late: arr_delay > 15}",
    ),
    "MLS302": Code(
        "a filter that is not true or false",
        "`where` chooses rows: it is a comparison, or several joined by and, or, not.",
        "where: arr_delay",
        "where: arr_delay is not null",
    ),
}

TIME: dict[str, Code] = {
    "MLS401": Code(
        "a value that is not known yet",
        "What a prediction uses must be known when it is asked for: a request can carry only columns in the source's"
        " `known_at_time`. What becomes known later is used through latest values and windows, which see it only from"
        " `available`.",
        "fields: [dep_delay]    # known only after departure",
        "fields: [scheduled_departure, carrier]",
    ),
    "MLS403": Code(
        "a timestamp as a feature",
        "A model takes numbers and categories; an instant becomes one by a function such as hour or minutes_between.",
        "compute: {when: scheduled_departure}",
        "compute: {hour: hour(scheduled_departure, 'America/New_York')}",
    ),
    "MLS404": Code(
        "a random split over data with event times",
        "Rows that happened after a test row are then learned from, and the evaluation is better than production will"
        " be.",
        "split: {by: random}",
        "split: {by: time}",
    ),
}
