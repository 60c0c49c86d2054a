"""The same specs on the embedded cluster and on a real Nomad: verdict, what its reason names, environment, files, output,
entry in Consul.

What the real one made of each spec lies in ``tests/recordings/alike``. By hand, with NOMAD_BIN and CONSUL_BIN:
``pytest -n0 tests/contract/alike -k real``, and with ``--alike-record`` it is written anew (with ``--alike-only
WORD,WORD`` for the specs whose name has one of the words).
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from outrider_ground.errors import OutriderError
from support.alike import Case, Clusters, Json, case, outcome

SPECS = Path(__file__).parent / "specs"
RECORDINGS = Path(__file__).parents[2] / "recordings" / "alike"
ALLOWED: dict[str, dict[str, str]] = yaml.safe_load((Path(__file__).parent / "allowed.yaml").read_text())
TOLD = frozenset({"reason", "says", "events"})
"""Recorded to be read; the words for the same thing may differ, and what comes first. What the reason names may not."""
AT_ONCE, AT_ONCE_ON_NOMAD, APART_S = 48, 24, 0.3
"""So that one machine brings them all up; then most of them wait for what never comes, side by side."""


@pytest.mark.timeout(400)
async def test_specs_end_on_the_embedded_cluster_as_they_did_on_nomad(embedded: Clusters, only: str) -> None:
    """Those that differ among all the others are looked at once more with less beside them."""
    different = await _all_different(embedded, _cases(only))
    again = [one for one in _cases() if one.name in different]
    assert await _all_different(embedded, again) == {}


@pytest.mark.timeout(900)
@pytest.mark.needs("nomad", "consul")
async def test_specs_end_on_the_real_nomad_as_was_recorded(
    real: Clusters,
    is_recording: bool,  # a fixture
    only: str,
) -> None:
    found = await _outcomes(_cases(only), real, AT_ONCE_ON_NOMAD)
    if is_recording:
        for name, one in found.items():
            _file(name).write_text(json.dumps(one, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
    different = {name: _unequal(_flat(_recorded(name)), _flat(one)) for name, one in found.items()}
    assert {name: one for name, one in different.items() if one} == {}


def test_each_spec_has_a_recording_whose_reason_names_all_that_it_must() -> None:
    assert {case.name for case in _cases()} == {file.stem for file in RECORDINGS.iterdir()}
    for one in _cases():
        assert _recorded(one.name)["names"] == list(one.names), one.name


def test_an_allowed_difference_has_a_reason_and_belongs_to_a_spec() -> None:
    assert set(ALLOWED) <= {"all", *(case.name for case in _cases())}
    assert all(len(reason) > 20 for paths in ALLOWED.values() for reason in paths.values())


def _cases(only: str = "") -> list[Case]:
    """Those whose name has a word; first those that come to nothing, which take a minute longer."""
    found = [case(file) for file in SPECS.glob("*/*.yaml") if any(word in file.stem for word in only.split(","))]
    return sorted(found, key=lambda one: ("healthy_deadline: 60s" in one.spec, one.name))


async def _all_different(on: Clusters, cases: list[Case]) -> dict[str, Any]:
    different = {name: _differences(name, _recorded(name), one) for name, one in (await _outcomes(cases, on)).items()}
    return {name: one for name, one in different.items() if one}


async def _outcomes(cases: list[Case], on: Clusters, at_once: int = AT_ONCE) -> dict[str, Json]:
    places = asyncio.Semaphore(at_once)

    async def one(number: int, case: Case) -> Json:
        await asyncio.sleep(number * APART_S)
        try:
            async with places:
                return await outcome(case, on)
        except (TimeoutError, OutriderError, httpx2.HTTPError) as error:
            return {"raised": repr(error)}

    found = await asyncio.gather(*(one(number, case) for number, case in enumerate(cases)))
    return {case.name: one for case, one in zip(cases, found, strict=True)}


def _file(name: str) -> Path:
    return RECORDINGS / f"{name}.json"


def _recorded(name: str) -> Json:
    return json.loads(_file(name).read_text("utf-8"))


def _differences(name: str, recorded: Json, found: Json) -> dict[str, Any]:
    """By place, what Nomad had and what is here; one that is allowed for this spec and is none any more is told too."""
    unequal = _unequal(_flat(recorded), _flat(found))
    own = ALLOWED.get(name, {})
    stale = {place: "allowed, and does not differ" for place in own if place not in unequal}
    allowed = {*own, *ALLOWED["all"]}
    return {place: pair for place, pair in unequal.items() if place not in allowed} | stale


def _unequal(recorded: Json, found: Json) -> dict[str, Any]:
    places = sorted({*recorded, *found})
    return {
        place: {"nomad": recorded.get(place), "here": found.get(place)}
        for place in places
        if recorded.get(place) != found.get(place)
    }


def _flat(value: Any, place: str = "") -> Json:
    """Every value by its place, as in ``app.files.a/b``."""
    if isinstance(value, dict):
        inner = [(f"{place}.{key}" if place else key, one) for key, one in value.items() if place or key not in TOLD]
    elif isinstance(value, list):
        inner = [(f"{place}.{number}", one) for number, one in enumerate(value)]
    else:
        return {place: value}
    return {name: leaf for key, one in inner for name, leaf in _flat(one, key).items()}
