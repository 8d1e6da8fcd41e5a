"""The comment of a pull request: what it means first, what is lost next, never too long, nobody's markup."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import msgspec
import pytest
from markdown_it import MarkdownIt

from mlsystem.plan.change import FieldChange, FileChanged
from mlsystem.plan.plan import Inventory, make_plan
from mlsystem.plan.preview import ObjectChange, Preview
from mlsystem.plan.render.markdown import LIMIT, marker, render_markdown
from mlsystem.plan.review import Finding, Review
from mlsystem.system.snapshot import Facet, Kind, NodeSnapshot, SystemSnapshot

RATE = {"model.main.fit.parameters.learning_rate": 0.002}
NASTY = "a|b`c<script>alert(1)</script>@team #12 [x](http://evil) </details> ```\n| b | **x** \u202egnp\u061c\U000e0041"


def rendered(text: str) -> str:
    return MarkdownIt("commonmark", {"html": True}).enable("table").render(text)


class Tags(HTMLParser):
    """The tags of a page, and the text outside of code."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.depth = 0
        self.prose = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.depth += tag in ("code", "pre")

    def handle_endtag(self, tag):
        self.depth -= tag in ("code", "pre")

    def handle_data(self, data):
        self.prose += "" if self.depth else data


def many(count: int, value: object, kind: Kind = Kind.GROUP) -> SystemSnapshot:
    facet = Facet.FEATURES if kind is Kind.GROUP else Facet.OPERATE

    def facets(number: int):
        return {facet: {"v": [value, number]}}

    nodes = [
        NodeSnapshot(id=f"{kind}.n{number:05}", kind=kind, semantics=1, facets=facets(number), edges=())
        for number in range(count)
    ]
    return SystemSnapshot(name="large", environment="prod", nodes=tuple(nodes))


def with_preview(plan, *changes):
    return msgspec.structs.replace(plan, preview=Preview(changes=changes, unchanged=0))


def test_the_first_line_says_what_the_change_means(system, plan_for):
    first = render_markdown(plan_for(system(), system(RATE))).splitlines()[0]

    assert first == "### `dev` of `flights`: retrains `main`, then releases it; nothing is deleted"


def test_each_node_has_its_consequence_and_the_reason_with_old_and_new(system, plan_for):
    text = render_markdown(plan_for(system(), system(RATE)))

    assert "| `model.main` | retrain | `fit.parameters.learning_rate`: `0.001` → `0.002` |\n" in text
    assert "| `evaluation.main` | re-evaluate | because its model is retrained |\n" in text
    assert text.index("`model.main`") < text.index("`evaluation.main`") < text.index("`endpoint.main`")


def test_nodes_that_change_alike_stand_in_one_row(plan_for):
    plan = plan_for(SystemSnapshot(name="l", environment="p", nodes=()), many(2000, 1))
    text = render_markdown(plan)

    assert "| `feature_group.n00000`, `feature_group.n00001`, " in text
    assert "**and 1,995 more** | compute features | new |" in text


def test_what_is_lost_stands_right_below_the_first_line(system, plan_for):
    plan = plan_for(system(), system(model="late"), inventory=Inventory(versions={"main": 3}))
    lines = render_markdown(plan).split("\n")

    assert lines[0].endswith("**deletes data (1)**")
    assert lines[2:4] == ["> [!CAUTION]", "> **This takes away or interrupts 2 things:**"]
    assert lines[5].startswith("> - **Data is deleted:** model 'main' of dev and 3 versions")


def test_an_object_with_data_in_it_counts_as_data_that_is_lost(system, plan_for):
    plan = with_preview(
        plan_for(system(), system(RATE)),
        ObjectChange(operation="delete", kind="apps/v1:Deployment", name="x"),
        ObjectChange(operation="replace", kind="aws.rds.Instance", name="tracking", because=("engine",)),
    )
    text = render_markdown(plan)

    assert text.splitlines()[0].endswith("**deletes data (1)**")
    assert text.index("aws.rds.Instance tracking") < text.index("apps/v1:Deployment x")
    assert "`engine` cannot be changed in place" in text


def test_an_endpoint_that_stops_answering_is_named_though_no_data_is_lost(system, plan_for):
    plan = plan_for(system(), system(model="late"), inventory=Inventory(keeps_data=True))
    text = render_markdown(plan)

    assert "takes down endpoint `main`" in text.splitlines()[0]
    assert text.splitlines()[0].endswith("no data is deleted, but see the warning")
    assert text.count("Model main stops answering") == 1


def test_nothing_to_do_is_said_and_can_be_found_again(system, plan_for):
    plan = plan_for(system(), system())
    text = render_markdown(plan)

    assert text.splitlines()[0] == "### `dev` of `flights`: nothing to do, it is as the file says"
    assert text.endswith(f"<!-- digest: {plan.digest} -->\n<!-- mlsystem plan: flights/dev -->\n")
    assert marker(plan) in text


def changed_file(system, plan_for, old: str, new: str, path: str = "manifests/server/x.yaml"):
    plan = plan_for(system(), system(RATE))
    plan = msgspec.structs.replace(plan, changes=(*plan.changes, FileChanged(path=path)))
    return plan, Review(before={path: old}, after={path: new})


def test_a_generated_file_shows_what_differs_below_its_concern(system, plan_for):
    old = "".join(f"line {number}\n" for number in range(20))
    text = render_markdown(*changed_file(system, plan_for, old, old.replace("line 9\n", "other 9\n")))

    assert "<details><summary>server: 1 file</summary>" in text
    assert "```diff\n@@ line 10 @@\n line 7\n line 8\n-line 9\n+other 9\n line 10\n line 11\n```" in text


def test_a_file_in_which_only_a_digest_differs_is_named_and_not_shown(system, plan_for):
    text = render_markdown(*changed_file(system, plan_for, "tag: a1b2c3d4\n", "tag: ffee0011\n"))

    assert "`manifests/server/x.yaml`: +1 \N{MINUS SIGN}1, only digests of what stands elsewhere" in text
    assert "ffee0011" not in text


@pytest.mark.parametrize(("old", "new"), [("2147483648", "4294967296"), ("Always", "always"), ("  a: 1", "a: 1")])
def test_a_number_a_capital_letter_and_white_space_are_no_digests(system, plan_for, old, new):
    text = render_markdown(*changed_file(system, plan_for, f"{old}\n", f"{new}\n"))

    assert f"-{old}\n+{new}\n" in text


def test_the_same_change_in_another_language_is_not_shown_twice(system, plan_for):
    plan, review = changed_file(system, plan_for, "  maxReplicas: 8\n", "  maxReplicas: 10\n")
    other = "pulumi/system/server.py"
    plan = msgspec.structs.replace(plan, changes=(*plan.changes, FileChanged(path=other)))
    before, after = {**review.before, other: '"max_replicas": 8,\n'}, {**review.after, other: '"max_replicas": 10,\n'}
    text = render_markdown(plan, replace(review, before=before, after=after))

    assert "- ~ `pulumi/system/server.py`: +1 \N{MINUS SIGN}1, the same as above" in text


def test_what_was_applied_and_is_not_at_hand_is_said(system, plan_for):
    plan, review = changed_file(system, plan_for, "", "a\n")

    assert "what was applied is not at hand" in render_markdown(plan, replace(review, before={}))


def test_a_fence_in_a_file_does_not_end_the_block(system, plan_for):
    page = rendered(render_markdown(*changed_file(system, plan_for, "x\n", "````\n</details><b>bold</b>\n@team\n")))

    assert "b" not in Tags(page).tags
    assert "@team" not in Tags(page).prose


def nasty_comment(system, plan_for) -> str:
    path = NASTY.split(" ", maxsplit=1)[0]
    snapshot = system({"endpoint.main.operate.log.sample": NASTY, f"model.main.fit.{path}": 1})
    plan = plan_for(system(), snapshot, inventory=Inventory(notes=(NASTY,), versions={"main": 1}))
    plan = with_preview(
        plan,
        ObjectChange(operation="delete", kind="x", name=NASTY, fields=(FieldChange(path=NASTY, old=NASTY, new=NASTY),)),
    )
    plan = msgspec.structs.replace(plan, deletes=(NASTY,), changes=(*plan.changes, FileChanged(path=f"a/{NASTY}")))
    path = f"a/{NASTY}"
    finding = Finding("MLS000", NASTY, NASTY, NASTY)
    return render_markdown(plan, Review(before={path: "a\n"}, after={path: NASTY}, findings=(finding,), saved=NASTY))


def test_nothing_of_the_users_becomes_markup(system, plan_for):
    page = Tags(rendered(nasty_comment(system, plan_for)))

    assert not {"script", "a", "img"} & set(page.tags)
    assert page.tags.count("details") == page.tags.count("summary")
    assert page.depth == 0


def test_nobody_is_called_and_no_letter_is_hidden(system, plan_for):
    text = nasty_comment(system, plan_for)
    prose = Tags(rendered(text)).prose

    assert "@team" not in prose
    assert "#12" not in prose
    assert not set("\u202e\u061c\U000e0041") & set(text)


def test_cells_stay_as_many_as_the_head_has(system, plan_for):
    page = rendered(nasty_comment(system, plan_for))

    for table in re.findall(r"<table>.*?</table>", page, re.DOTALL):
        counts = {row.count("<td") for row in table.split("<tr>")[2:]}
        assert counts <= {table.split("<tr>")[1].count("<th>")}


@pytest.mark.parametrize("count", [1, 100, 10_000])
def test_it_is_never_longer_than_a_comment_may_be(plan_for, count):
    text = render_markdown(plan_for(many(count, 1), many(count, 2)))

    assert len(text.encode()) <= LIMIT
    assert text.splitlines()[0].startswith("### `prod` of `large`: recomputes feature group")


def test_what_is_cut_is_counted_and_the_whole_is_pointed_to(plan_for):
    plan = plan_for(many(10_000, 1), many(10_000, 2))
    text = render_markdown(plan, Review(saved="plan.json", link="https://x.test/1"))
    shown = len(re.findall(r"^\| `feature_group", text, re.MULTILINE))
    (more,) = re.findall(r"\*\*([\d,]+) more\*\* \| [\d,]+ feature group: recompute features", text)

    assert shown + int(more.replace(",", "")) == 10_000
    assert "[plan.json](https://x.test/1)" in text


def test_of_ten_thousand_losses_each_is_named_or_counted(plan_for):
    names = (f"s{number:05}" for number in range(9_999))
    objects = tuple(ObjectChange(operation="delete", kind="v1:Service", name=name) for name in names)
    bucket = ObjectChange(operation="delete", kind="aws.s3.BucketV2", name="models")
    files = {f"manifests/server/{number}.yaml": "a: 1\n" * 50 for number in range(400)}
    plan = with_preview(plan_for(many(10_000, 1), many(10_000, 2)), *objects, bucket)
    plan = msgspec.structs.replace(plan, changes=(*plan.changes, *(FileChanged(path=path) for path in files)))
    text = render_markdown(plan, Review(before=files, after={path: text + "b: 2\n" for path, text in files.items()}))
    shown = len(re.findall(r"^> - \*\*Deletes", text, re.MULTILINE))
    more = int(re.findall(r"> - \*\*and ([\d,]+) more\*\*, 10,000 in all", text)[0].replace(",", ""))

    assert len(text.encode()) <= LIMIT
    assert shown + more == 10_000
    assert "aws.s3.BucketV2 models" in text.split("> - ")[1]
    assert "**deletes data (1)**" in text.splitlines()[0]


@pytest.mark.parametrize("sharing", [1, 2, 3, 5, 10])
def test_however_many_share_a_comment_each_stays_in_its_part(plan_for, sharing):
    objects = tuple(ObjectChange(operation="delete", kind="v1:Service", name=f"s{one:05}") for one in range(2_000))
    plan = with_preview(plan_for(many(2_000, 1), many(2_000, 2)), *objects)
    files = {f"manifests/server/{number}.yaml": "a: 1\n" * 50 for number in range(400)}
    changes = (*plan.changes, *(FileChanged(path=path) for path in files))
    plan = msgspec.structs.replace(plan, changes=changes, notes=("a note " * 20,) * 200)
    findings = (Finding("MLS000", "what is wrong " * 10, "mlsystem.yaml:1", "what to do " * 10),) * 200
    after = {path: text + "b: 2\n" for path, text in files.items()}
    text = render_markdown(plan, Review(before=files, after=after, findings=findings), LIMIT // sharing)

    assert len(text.encode()) <= LIMIT // sharing
    assert "2,000 in all" in text


def test_a_long_difference_hides_no_short_one(system, plan_for):
    paths = {f"manifests/server/{name}.yaml": size for name, size in (("a", 2_000), ("b", 1), ("c", 1))}
    plan = plan_for(system(), system(RATE))
    plan = msgspec.structs.replace(plan, changes=(*plan.changes, *(FileChanged(path=path) for path in paths)))
    after = {path: "".join(f"{path} {line} {'x' * 60}\n" for line in range(lines)) for path, lines in paths.items()}
    text = render_markdown(plan, Review(before=dict.fromkeys(paths, "a\n"), after=after))

    assert len(text.encode()) <= LIMIT
    assert "+manifests/server/b.yaml 0" in text
    assert "+manifests/server/a.yaml 0" not in text
    assert "Left out: 1 difference too long to stand here." in text


def test_equal_plans_make_equal_bytes(system, plan_for):
    assert nasty_comment(system, plan_for) == nasty_comment(system, plan_for)


def test_findings_say_where_and_what_to_do(system, plan_for):
    finding = Finding("MLS506", "what is behind it may change", "mlsystem.yaml:9", "name it by digest")
    text = render_markdown(plan_for(system(), system(RATE)), Review(findings=(finding,)))

    assert "- **MLS506** at `mlsystem.yaml:9`: what is behind it may change<br>What to do: name it by digest\n" in text


def test_a_first_plan_lists_files_and_shows_none_of_them(system, want, observed):
    plan = make_plan(None, want(system()), observed(), Inventory(), "0.1.0")
    text = render_markdown(plan, Review(after={"contract/run.json": "{}\n"}))

    assert "- + `contract/run.json`" in text
    assert "```" not in text
