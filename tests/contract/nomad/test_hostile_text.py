"""What a developer writes reaches app and Consul as it stands, on the embedded Nomad and on a real one (E10)."""

from __future__ import annotations

import json

import httpx2
import pytest
from outrider_harness.nomad_calls import NomadCalls
from outrider_harness.nomads import Servers
from support.topologies import resolved

from outrider.nomad.write.hcl import hcl
from outrider.nomad.write.job import job as job_of

LINES = [
    "${attr.kernel.name}",
    "$${attr.kernel.name}",
    "$$${NOMAD_ALLOC_ID}",
    "${NOMAD_META_dollar}{x}",
    "${",
    "$",
    "%{if true}x%{endif}",
    "%%{if}",
    '{{ env "PATH" }}',
    "{{{x}}}",
    "{{`{{`}}",
    "{%raw%}",
    "<%= x %>",
    "a\\nb",
    "\\",
    '"q"',
    "'s'",
    "$HOME `id` $(id)",
    "é😀",
    "#x",
    " lead and trail ",
    "x=y",
]
TEXTS = [*LINES, "a\nb", "a\tb", "\u2028\x85", "\x7f\x1b[0m", ""]
APP = """
import json, os, sys, time
print(json.dumps({"arguments": sys.argv[1:], "environment": dict(os.environ)}), flush=True)
time.sleep(600)
"""


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return f"hostile-{'real' if 'real' in request.node.name else 'embedded'}"


async def test_hostile_text_comes_out_as_data(calls: NomadCalls, name: str) -> None:
    made = resolved(
        {
            "service": name,
            "mesh": False,
            "run": {"command": ["/usr/bin/env", "python3", "-c", APP, *TEXTS]},
            "team": LINES[0],
            "env": {f"V{number}": text for number, text in enumerate(TEXTS)},
            "consul": {"tags": LINES, "meta": {f"m{number}": text for number, text in enumerate(LINES)}},
            "checks": [{"script": ["/usr/bin/printf", "%s|", *LINES], "interval": "1s", "name": LINES[0]}],
            "update": {"min_healthy_time": "0s", "healthy_deadline": "30s"},
        }
    )
    await calls.healthy(job_of(made, None))
    allocation = await calls.allocation(name)
    seen = json.loads(await calls.written(allocation["ID"], "alloc/logs/app.stdout.0"))
    assert seen["arguments"] == TEXTS
    assert [seen["environment"][f"V{number}"] for number in range(len(TEXTS))] == TEXTS
    (instance,) = await calls.until_services(name, lambda found: any(check["Output"] for check in found[0]["Checks"]))
    assert set(LINES) <= set(instance["Service"]["Tags"])
    assert {key: text for key, text in instance["Service"]["Meta"].items() if key.startswith("m")} == {
        f"m{number}": text for number, text in enumerate(LINES)
    }
    assert instance["Service"]["Meta"]["outrider_team"] == LINES[0]
    (check,) = [check for check in instance["Checks"] if check["Name"] == LINES[0]]
    assert check["Output"] == "".join(f"{text}|" for text in LINES)


def differences(ours: object, theirs: object, path: str = "") -> list[str]:
    """Where a document lacks what ours says; what a server adds is its own business."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [line for key, value in ours.items() for line in differences(value, theirs.get(key), f"{path}.{key}")]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [line for one, other in zip(ours, theirs, strict=True) for line in differences(one, other, f"{path}[]")]
    return [] if ours == theirs else [f"{path}: {ours!r} != {theirs!r}"]


@pytest.mark.needs("nomad", "consul")
def test_hcl_means_what_the_api_gets(real_nomad: Servers) -> None:
    made = resolved(
        {
            "service": "hostile-hcl",
            "mesh": False,
            "run": {"command": ["x", *TEXTS]},
            "team": LINES[0],
            "env": {f"V{number}": text for number, text in enumerate(TEXTS)},
            "consul": {"tags": LINES, "meta": {f"m{number}": text for number, text in enumerate(LINES)}},
            "checks": [{"script": ["/bin/true", *LINES]}, {"http": "/", "headers": {"X-Token": LINES[0]}}],
        }
    )
    document = job_of(made, None)
    asked = {"JobHCL": hcl(document), "Canonicalize": False}
    answer = httpx2.post(f"{real_nomad.nomad}/v1/jobs/parse", json=asked, timeout=60)
    assert differences(document, answer.raise_for_status().json()) == []
