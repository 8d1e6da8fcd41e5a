"""MLS67: what things cost."""

from __future__ import annotations

from mlsystem.diagnostics.code import Code

COST: dict[str, Code] = {
    "MLS670": Code(
        "an environment that costs more than it may",
        "The least that a month of it costs, as it is estimated, is more than `limits.max_cost`. The message names the"
        " most expensive lines and what of the file would bring it under. What nobody knows a price of is not in the"
        " sum; `mlsystem plan` names it.",
        "environments: {prod: {limits: {max_cost: $10/month}, …}}",
        "environments: {prod: {limits: {max_cost: $900/month}, …}}",
    ),
    "MLS671": Code(
        "an environment that may come to cost more than it may",
        "Replicas come and go between `min_replicas` and `max_replicas`. With all of them all the time a month costs"
        " more than `limits.max_cost`; with the least of them it does not. Certified replicas cost what they cost on"
        " average.",
        "environments: {prod: {limits: {max_cost: $100/month}, …}}  # $90 to $250",
        "environments: {prod: {limits: {max_cost: $250/month}, …}}",
    ),
    "MLS672": Code(
        "a price of nothing",
        "`prices.items` gives prices by the names that estimates use: `mlsystem plan` names those that it has none for."
        " One that no estimate asks for would be believed to count.",
        "prices: {items: {nat.hours: $0.04}}",
        "prices: {items: {nat.hour: $0.04}}",
    ),
    "MLS673": Code(
        "a limit of what is not known",
        "A price list has not every price of every region. What has none counts as nothing in the sum that"
        " `limits.max_cost` is compared with. `mlsystem plan` names all of them.",
        "environments: {prod: {region: ap-southeast-2, limits: {max_cost: $900/month}, …}}",
        "environments: {prod: {region: ap-southeast-2, limits: {max_cost: $900/month}, prices: {items: {…}}, …}}",
    ),
    "MLS674": Code(
        "a budget that nobody hears of",
        "In an AWS account `limits.max_cost` becomes a budget as well: it counts what is really spent, and sends a mail"
        " to the environment's `owners` when that comes near the limit. None of them has an address of mail.",
        "environments: {prod: {limits: {max_cost: $900/month}, …}}",
        "environments: {prod: {limits: {max_cost: $900/month}, owners: [costs@company.example], …}}",
    ),
}
