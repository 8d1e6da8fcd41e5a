"""What a profile belongs to, and the file that keeps it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from mlsystem.capacity.profile import (
    FILE,
    Cell,
    Fingerprint,
    Machine,
    Profile,
    fingerprint_of,
    quantiles_us,
    read_profiles,
    write_profile,
)
from mlsystem.compile import Compiled
from mlsystem.errors import MlsystemError

Compile = Callable[[Any], Compiled]
Change = Callable[[Any, Any, Any], Any]
MAIN = ("models", "main")
PROFILE = Profile(
    fingerprint=Fingerprint(structure="ab", engine="onnx", cpu="0.5", memory="1Gi", workers="1"),
    machine=Machine(processor="a fast one", processors=4, limit="affinity", share=1.0, store="sqlite"),
    version=3,
    cells=(
        Cell(workers=1, requests=1, samples=3, quantiles_us=(900, 1000, 1400)),
        Cell(workers=1, requests=8, samples=3, quantiles_us=(2900, 3000, 3400)),
    ),
    cold_starts_us=(1_200_000, 1_300_000),
    memory_bytes=150_000_000,
    lag_us=300,
)


def fingerprint(compiled: Compiled) -> Fingerprint:
    return fingerprint_of(compiled.system.models[0], compiled.system.code)


def moved(compiled: Compile, before: Any, after: Any) -> tuple[str, ...]:
    return replace(PROFILE, fingerprint=fingerprint(compiled(before))).stale(fingerprint(compiled(after)))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("training", "seed"), "8"),
        (("training", "parameters", "epochs"), "9"),
        (("training", "parameters", "learning_rate"), "0.1"),
        (("training", "split", "test"), "20%"),
        (("model", "examples", "where"), "arr_delay > 0"),
        (("serving", "slo", "latency", "p95"), "80ms"),
        (("serving", "log", "sample"), "20%"),
    ],
)
def test_what_makes_other_weights_alone_keeps_the_fingerprint(
    spec: Any, compiled: Compile, changed: Change, path: tuple[str, ...], value: str
) -> None:
    assert moved(compiled, spec, changed(spec, (*MAIN, *path), value)) == ()


def test_rows_from_another_place_keep_the_fingerprint(spec: Any, compiled: Compile, changed: Change) -> None:
    assert moved(compiled, spec, changed(spec, ("sources", "flights", "uri"), "data/others.csv")) == ()


@pytest.mark.parametrize(
    ("path", "value", "part"),
    [
        (("training", "parameters", "hidden"), ["64", "64", "64"], "structure"),
        (("training", "parameters", "embedding_size"), "16", "structure"),
        (("model", "features"), ["carrier_history.*", "trip.*"], "structure"),
        (("serving", "engine"), "torch", "engine"),
        (("serving", "workers"), "2", "workers"),
    ],
)
def test_what_a_request_costs_moves_its_part_of_the_fingerprint_alone(
    spec: Any, compiled: Compile, changed: Change, path: tuple[str, ...], value: Any, part: str
) -> None:
    assert moved(compiled, spec, changed(spec, (*MAIN, *path), value)) == (part,)


@pytest.mark.parametrize(("field", "value", "part"), [("cpu", 3.0, "cpu"), ("memory_bytes", 3 * 2**30, "memory")])
def test_so_does_the_hardware(spec: Any, compiled: Compile, field: str, value: Any, part: str) -> None:
    system = compiled(spec).system
    model, serving = system.models[0], system.models[0].serving
    other = replace(model, serving=replace(serving, hardware=replace(serving.hardware, **{field: value})))

    assert replace(PROFILE, fingerprint=fingerprint_of(model, None)).stale(fingerprint_of(other, None)) == (part,)


def test_what_a_feature_is_computed_from_is_part_of_the_structure(
    spec: Any, compiled: Compile, changed: Change
) -> None:
    after = changed(spec, ("features", "trip", "compute", "hour"), "hour(departure, 'Europe/Paris')")

    assert moved(compiled, spec, after) == ("structure",)


def test_profiles_come_back_as_they_were_written(tmp_path: Path) -> None:
    write_profile(tmp_path, "staging/main", PROFILE)
    write_profile(tmp_path, "dev/main", replace(PROFILE, version=4))

    assert read_profiles(tmp_path) == {"dev/main": replace(PROFILE, version=4), "staging/main": PROFILE}


def test_the_same_profiles_are_the_same_bytes_in_whatever_order_they_were_measured(tmp_path: Path) -> None:
    names = ("staging/main", "dev/main", "dev/other")
    for folder, order in (("one", names), ("other", names[::-1])):
        for name in order:
            write_profile(tmp_path / folder, name, PROFILE)

    assert (tmp_path / "one" / FILE).read_bytes() == (tmp_path / "other" / FILE).read_bytes()


def test_the_file_ends_in_a_newline_and_has_the_numbers_of_a_cell_in_one_line(tmp_path: Path) -> None:
    text = write_profile(tmp_path, "dev/main", PROFILE).read_text()

    assert text.endswith('  "version": 1\n}\n')
    assert '          "quantiles_us": [2900, 3000, 3400],\n' in text


def test_without_a_file_there_are_no_profiles(tmp_path: Path) -> None:
    assert read_profiles(tmp_path) == {}


@pytest.mark.parametrize(
    ("whole", "damaged"),
    [
        ('"version": 1\n}', '"version": 2\n}'),
        ("[900, 1000, 1400]", "[900, 1400, 1000]"),
        ("[900, 1000, 1400]", "[]"),
        ("[900, 1000, 1400]", "[0, 1000, 1400]"),
        ('"requests": 1,', '"requests": 8,'),
        ('"requests": 1,', '"requests": 2,'),
        ('"engine": "onnx",', '"engine": "onnx", "weights": "x",'),
        ("{", ""),
    ],
)
def test_a_damaged_file_is_refused_with_a_way_out(tmp_path: Path, whole: str, damaged: str) -> None:
    path = write_profile(tmp_path, "dev/main", PROFILE)
    text = path.read_text()
    assert whole in text
    path.write_text(text.replace(whole, damaged, 1) if whole != "{" else text[1:])

    with pytest.raises(MlsystemError, match=FILE) as refused:
        read_profiles(tmp_path)
    assert "mlsystem capacity profile" in str(refused.value.hint)


def test_the_simulation_is_given_seconds_by_workers_and_requests() -> None:
    assert PROFILE.service_times().samples == {(1, 1): (0.0009, 0.001, 0.0014), (1, 8): (0.0029, 0.003, 0.0034)}


def test_a_whole_processor_in_the_place_of_half_a_one_is_said() -> None:
    said = list(PROFILE.assumptions())

    assert any("measured with 1 processors, by affinity, where 0.5 are declared" in one for one in said)


def test_of_many_samples_the_quantiles_are_kept() -> None:
    kept = quantiles_us([place / 1e4 for place in range(10_000, 0, -1)])

    assert len(kept) == 200
    assert list(kept) == sorted(kept)
    assert (kept[100], kept[199]) == (502_500, 997_600)


def test_of_few_samples_all_are_kept_and_none_is_nothing() -> None:
    assert quantiles_us([0.003, 0.001, 1e-9]) == (1, 1000, 3000)
