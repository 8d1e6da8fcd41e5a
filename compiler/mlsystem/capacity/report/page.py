"""One HTML page that loads nothing: of each endpoint the verdict, what it rests on, and pictures of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape

from mlsystem.capacity.certificate import Certificate, Scenario
from mlsystem.capacity.report import charts
from mlsystem.capacity.report.charts import Figure, Table
from mlsystem.capacity.report.style import STYLE
from mlsystem.capacity.report.svg import Chart, draw
from mlsystem.capacity.report.timeline import Timeline
from mlsystem.capacity.report.words import (
    behaviour_in_words,
    money,
    seconds,
    share,
)
from mlsystem.capacity.words import described, target
from mlsystem_runtime.contract.run import Slo


@dataclass(frozen=True)
class Picture:
    """A simulation of the certified configuration; `says` in a sentence of what."""

    title: str
    says: str
    timeline: Timeline


@dataclass(frozen=True)
class Endpoint:
    """`certificate` None: nothing is proven. `moved`: the parts of what it was made from that are others now."""

    name: str
    slo: Slo
    certificate: Certificate | None
    moved: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()


def page(system: str, environment: str, endpoints: Iterable[Endpoint]) -> str:
    title = f"Capacity of {system} in {environment}"
    sections = "".join(section(endpoint, environment, place) for place, endpoint in enumerate(endpoints))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,'
        f'initial-scale=1"><title>{escape(title)}</title><style>{STYLE}</style></head><body><main><h1>{escape(title)}'
        '</h1><p class="soft">What the autoscaler does was simulated with its own algorithm. Times count from the'
        f" beginning of the traffic.</p>{sections}</main></body></html>\n"
    )


def section(endpoint: Endpoint, environment: str, place: int) -> str:
    head = f"<section><h2>{escape(endpoint.name)}</h2>"
    found = endpoint.certificate
    if found is None:
        command = f"mlsystem capacity solve -e {escape(environment)}"
        return f'{head}<p class="verdict odd">Not certified<span>Run <code>{command}</code></span></p></section>'
    parts = [
        head, verdict(endpoint, found, environment), facts(found), scenarios(endpoint.slo, found),
        *(pictures(endpoint, found, one, f"e{place}p{number}") for number, one in enumerate(endpoint.pictures)),
        of_front(endpoint, found, f"e{place}f"), configuration(found), assumptions(found), "</section>",
    ]  # fmt: skip
    return "".join(parts)


def verdict(endpoint: Endpoint, found: Certificate, environment: str) -> str:
    promised = " and ".join(promises(endpoint.slo))
    if endpoint.moved:
        command = f"mlsystem capacity solve -e {escape(environment)}"
        return (
            f'<p class="verdict odd">Out of date: {escape(", ".join(endpoint.moved))} changed since it was certified'
            f"<span>What follows is what was found before. Run <code>{command}</code></span></p>"
        )
    return (
        f'<p class="verdict">Certified: {escape(promised)}<span>{escape(described(found.settings))} hold it in'
        f" all {len(found.scenarios)} scenarios. {escape(sentence(found.binding))}</span></p>"
    )


def promises(slo: Slo) -> Iterator[str]:
    if slo.latency_us is not None and slo.objective is not None:
        yield f"{share(slo.objective)} of the requests within {seconds(slo.latency_us / 1e6)}"
    if slo.availability is not None:
        yield f"{share(slo.availability)} answered"


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def facts(found: Certificate) -> str:
    static = "" if found.static_cost is None else f"{money(found.static_cost)} with as many replicas all the time"
    settings, whole = found.settings, found.whole
    shown = (
        ("Replicas", f"{settings.min_replicas} to {settings.max_replicas}", f"at {target(settings)}"),
        ("Cost a month", money(found.cost), static),
        ("Error budget left", share(found.margin), "of the worst scenario, by its lower bound"),
        ("In time, all traffic", share(whole.attainment.mean), f"{whole.replicas_mean:.1f} replicas on average"),
    )  # fmt: skip
    cells = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}<small>{escape(small)}</small></dd></div>"
        for name, value, small in shown
    )
    return f'<dl class="facts">{cells}</dl><p class="soft">At the prices of {escape(found.prices)}.</p>'


def scenarios(slo: Slo, found: Certificate) -> str:
    head = ("scenario", "traffic", "in time", "answered", latency_name(slo), "replicas", "worst 5 minutes")
    rows = "".join(
        "<tr>" + f'<th scope="row">{escape(one.name)}</th>' + "".join(cells(slo, one)) + "</tr>"
        for one in (*found.scenarios, found.whole)
    )
    columns = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    caption = (
        f"Means of {found.replications} simulations from seed {found.seed}, with the bounds of 95% confidence below; of"
        " all the traffic one simulation."
    )
    return (
        f'<h3>Scenarios</h3><div class="scroll"><table><caption>{caption}</caption><thead><tr>{columns}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def latency_name(slo: Slo) -> str:
    return f"p{100 * (slo.objective or 0.95):g}"


def cells(slo: Slo, one: Scenario) -> Iterator[str]:
    yield f"<td>{escape(one.traffic)}</td>"
    for interval, promised in ((one.attainment, slo.objective), (one.availability, slo.availability)):
        known = math.isfinite(interval.low) and interval.low < interval.high
        bad = promised is not None and (interval.low if known else interval.mean) < promised
        bounds = f'<br><span class="soft">{share(interval.low)} to {share(interval.high)}</span>' if known else ""
        yield f'<td class="number{" bad" if bad else ""}">{share(interval.mean)}{bounds}</td>'
    most = f'<br><span class="soft">at most {one.replicas_max}</span>'
    yield f'<td class="number">{seconds(one.latency)}</td><td class="number">{one.replicas_mean:.1f}{most}</td>'
    since = f'<br><span class="soft">from {charts.moment(one.worst.start)}</span>'
    yield f'<td class="number">{share(one.worst.attainment)}{since}</td>'


def pictures(endpoint: Endpoint, found: Certificate, picture: Picture, key: str) -> str:
    slo, line = endpoint.slo, picture.timeline
    threshold = None if slo.latency_us is None else slo.latency_us / 1e6
    figures = [
        charts.traffic(line), charts.replicas(line, found.settings.max_replicas),
        charts.latency(line, threshold, slo.objective),
    ]  # fmt: skip
    if slo.objective is not None or slo.availability is not None:
        figures.append(charts.budget(line, slo.objective, slo.availability))
    drawn = "".join(figure(one, f"{key}c{place}") for place, one in enumerate(figures))
    return f"<h3>{escape(sentence(picture.title).rstrip('.'))}</h3><p class=soft>{escape(picture.says)}</p>{drawn}"


def of_front(endpoint: Endpoint, found: Certificate, key: str) -> str:
    if not found.front:
        return ""
    drawn = figure(charts.front(found.front, found.settings, endpoint.slo), key, closed=False)
    return (
        '<h3>What it would cost otherwise</h3><p class="soft">Whatever costs less than a configuration on the front'
        " spends more of the error budget: by the lower bound, in its worst scenario, of the promise that has the least"
        " left. Hollow ones break a promise somewhere. Costs are by arithmetic here; that of the certified one above"
        " was simulated.</p>"
        f"{drawn}"
    )


def figure(one: Figure, key: str, *, closed: bool = True) -> str:
    keys = legend(one.chart)
    table = table_of(one.table, one.chart.title)
    beside = f"<details><summary>The numbers</summary>{table}</details>" if closed else table
    return (
        f"<figure><figcaption><b>{escape(one.chart.title)}</b>{escape(one.chart.says)}</figcaption>{keys}"
        f"{draw(one.chart, key)}{beside}</figure>"
    )


def legend(chart: Chart) -> str:
    items = "".join(
        f'<li class="{line.colour}"><i></i>{escape(line.name)}</li>' for line in chart.lines if not line.dashed
    )
    return f'<ul class="keys">{items}</ul>' if items else ""


def table_of(table: Table, title: str) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.head)
    rows = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:]) + "</tr>"
        for row in table.rows
    )
    return (
        f'<div class="scroll"><table aria-label="{escape(title)}"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody>'
        "</table></div>"
    )


def configuration(found: Certificate) -> str:
    settings = found.settings
    rows = (
        ("controller", settings.controller), ("target", target(settings)),
        ("replicas", f"{settings.min_replicas} to {settings.max_replicas}"),
        ("behaviour", behaviour_in_words(settings.behaviour)),
        ("made from", ", ".join(f"{name} {digest[:12]}" for name, digest in found.inputs.items())),
    )  # fmt: skip
    return f"<h3>The configuration</h3>{table_of(Table(('what', 'value'), rows), 'The configuration')}"


def assumptions(found: Certificate) -> str:
    items = "".join(f"<li>{escape(sentence(one))}</li>" for one in found.assumptions)
    return f"<h3>What is assumed</h3><ul>{items}</ul>" if items else ""
