"""The page says what the certificate says, loads nothing, and is a picture in a browser, on light and on dark."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from browser import DARK, screenshot, text_of
from capacity_pages import SLO, endpoint
from PIL import Image

from mlsystem.capacity.report.page import Endpoint, page

WIDTH, HEIGHT = 1000, 5600
TWO_HOURS = 7200
BLUE, DARK_BLUE, DARK_PAGE = (27, 95, 193), (116, 170, 255), (16, 21, 28)


class Outline(HTMLParser):
    """Tags in order, the ids, and what a picture is called by."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.named_by: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        values = {name: value or "" for name, value in attrs}
        self.ids += [values["id"]] if "id" in values else []
        self.named_by += values.get("aria-labelledby", "").split()


@pytest.fixture(scope="module")
def html() -> str:
    return page("flights", "staging", [endpoint(TWO_HOURS), Endpoint("quiet", SLO, None)])


@pytest.fixture(scope="module")
def file(html: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(html)
    return path


def pixels(picture: Path) -> np.ndarray:
    with Image.open(picture) as image:
        return np.asarray(image.convert("RGB"))


def of_colour(seen: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((np.abs(seen.astype(int) - colour).max(axis=2) <= 3).sum())


def test_the_verdict_comes_first_and_says_what_is_promised(html: str) -> None:
    text = re.sub(r"<[^>]+>", " ", html[html.index("<main>") :])

    assert text.index("Certified: 99% of the requests within 250 ms and 99.9% answered") < text.index("Scenarios")
    assert "With cpu at 55% the flash crowd has 98.7% in time, and 99% is promised." in text
    assert "$151" in text
    assert "AWS Fargate, us-east-1, Linux on x86, of 2026-03-31" in text
    assert "A new replica is ready 5 s after it is asked for." in text


def test_the_page_loads_nothing_and_runs_nothing(html: str) -> None:
    assert not re.search(r"<script|<link|<img|@import|url\(|src=|https?://|\son\w+=", html)


def test_the_same_inputs_are_the_same_bytes(html: str) -> None:
    assert page("flights", "staging", [endpoint(TWO_HOURS), Endpoint("quiet", SLO, None)]) == html


def test_every_picture_has_a_title_and_a_table_beside_it(html: str) -> None:
    outline = Outline()
    outline.feed(html)

    assert outline.tags.count("svg") == outline.tags.count("figure") == 9
    assert outline.tags.count("table") == 9 + 2
    assert len(set(outline.ids)) == len(outline.ids)
    assert sorted(outline.named_by) == sorted(outline.ids)


def test_names_cannot_break_out_of_the_page() -> None:
    html = page("a<b", 'x"y', [Endpoint("<script>alert(1)</script>", SLO, None)])

    assert "<script" not in html
    assert "a&lt;b" in html


def test_what_moved_since_is_said_instead_of_the_verdict() -> None:
    html = page("flights", "staging", [replace(endpoint(TWO_HOURS), moved=("slo", "traffic"))])

    assert "Out of date: slo, traffic changed since it was certified" in html
    assert "Certified:" not in html


def test_an_endpoint_that_is_not_certified_says_how_it_would_be(html: str) -> None:
    assert "Not certified<span>Run <code>mlsystem capacity solve -e staging</code>" in html


def test_a_browser_draws_it(file: Path) -> None:
    seen = pixels(screenshot(file, WIDTH, HEIGHT))

    assert seen.shape == (HEIGHT, WIDTH, 3)
    assert tuple(seen[2, 2]) == (255, 255, 255)
    assert of_colour(seen, BLUE) > 2000
    written = (seen < 120).all(axis=2).mean(axis=1) > 0.0
    assert written[:5000].mean() > 0.15, "text and lines all the way down"


def test_a_browser_draws_it_on_dark(file: Path) -> None:
    seen = pixels(screenshot(file, WIDTH, HEIGHT, DARK))

    assert tuple(seen[2, 2]) == DARK_PAGE
    assert of_colour(seen, DARK_BLUE) > 2000
    assert of_colour(seen, (255, 255, 255)) < seen.shape[0] * seen.shape[1] * 0.01


def test_a_browser_reads_the_same_as_was_written(file: Path) -> None:
    shown = text_of(file)

    for expected in ("Capacity of flights in staging", "Error budget burnt", "max_replicas 12", "objective 250 ms"):
        assert expected in shown
    assert shown.count("<svg") == 9
    assert "NaN" not in shown
