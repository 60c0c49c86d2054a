"""Whatever a developer writes into a spec comes out as data, where Nomad and Envoy have read it (E10).

Nomad is played by the functions of the embedded scheduler; a hand check against real Nomad 2.0.5 and 1.6.5 found the
same, and that commands of script checks are replaced twice.
"""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from outrider_embedded.scheduler.environment import driver_config, interpolated, interpolated_document
from outrider_embedded.scheduler.task_templates import environment_file
from outrider_embedded.templates import rendered

from outrider.envoy.bootstrap import bootstrap
from outrider.envoy.document import sampled, template
from outrider.nomad.write.hcl import hcl
from outrider.nomad.write.job import job
from outrider.nomad.write.template import bytes_of
from outrider.spec.platform import Platform
from outrider.spec.service import Service
from outrider.topology.ports import Slot
from outrider.topology.resolve import topology
from outrider.topology.sidecar import CarriedAgent
from outrider.topology.topology import Topology

PIECES = [
    "${", "$${", "}", "{{", "}}", "{{{", "%{", "%%{", "$", "{", "`", '"', "'", "\\", "\\n", " ", "#", "=", "<%", "{%",
    "${attr.kernel.name}", "$${NOMAD_ALLOC_ID}", "${NOMAD_META_dollar}", '{{ env "NOMAD_ALLOC_ID" }}', "{{- /*",
    "%{if true}", "<img src=x>", "$(id)", "é", "😀", "\u2028", "\\u007b",
]  # fmt: skip
SIGNS = ["\n", "\t", "\r", "\x1b", "\x7f", "\x85"]
HEAP = st.lists(st.sampled_from(PIECES + SIGNS) | st.text(max_size=4), max_size=6).map("".join)
TEXT = HEAP.map(lambda text: text.replace("\0", "").encode(errors="ignore").decode())
LINE = TEXT.map(lambda text: "".join(sign for sign in text if sign.isprintable())).filter(bool)
PATH = LINE.map(lambda text: "/" + "".join(sign for sign in text if sign.isascii() and sign != " "))
NODE = {"Attributes": {"kernel.name": "linux"}, "Meta": {}, "ID": "node", "Name": "node", "Datacenter": "dc1"}
PLATFORM = Platform.model_validate(
    {
        "environments": {
            driver.replace("_", "-"): {
                "nomad": {"address": f"http://{index}"},
                "consul": {"address": f"http://{index}"},
                "driver": driver,
            }
            for index, driver in enumerate(("docker", "raw_exec"))
        }
    }
)
AGENT = CarriedAgent(serve="c2VydmU=", gate="Z2F0ZQ==", sha256="a" * 64)


def made(driver: str, **fields: Any) -> Topology:
    run = {"command": ["app"]} if driver == "raw_exec" else {"image": "app:1"}
    service = Service.model_validate({"service": "app", "run": run, **fields})
    return topology(service, PLATFORM, driver.replace("_", "-"), protocols={"callee": "http"}, agent=AGENT)


def job_of(topology: Topology) -> dict[str, Any]:
    return job(topology, template(bootstrap(topology)))


def variables(document: dict[str, Any]) -> dict[str, str]:
    """What Nomad would replace in this job, beside what a developer might hope for."""
    meta = {f"NOMAD_META_{name}": value for name, value in document["Meta"].items()}
    return {"NOMAD_ALLOC_ID": "3f", "NOMAD_TASK_DIR": "/local", "HOME": "/root", **meta}


def task(document: dict[str, Any], name: str = "app") -> dict[str, Any]:
    return next(task for task in document["TaskGroups"][0]["Tasks"] if task["Name"] == name)


def registered(document: dict[str, Any]) -> dict[str, Any]:
    """The service as Consul gets it."""
    return interpolated_document(document["TaskGroups"][0]["Services"][0], variables(document), NODE)


@given(st.dictionaries(st.from_regex(r"\A[B-Y][A-Z_]{0,8}\Z").filter(lambda name: name != "PORT"), TEXT, max_size=4))
def test_environment_variables_reach_the_app_as_they_were_written(written: dict[str, str]) -> None:
    written = {name: text for name, text in written.items() if name not in {"HOST", "OUTRIDER_SERVICE"}}
    document = job_of(made("docker", env=written))
    known, app = variables(document), task(document)
    found = {name: interpolated(value, known, NODE) for name, value in app["Env"].items()}
    for each in app.get("Templates") or []:
        found |= environment_file(rendered(each["EmbeddedTmpl"], known, lambda _: None).text)
    assert {name: found[name] for name in written} == written


@given(st.lists(TEXT, max_size=4))
def test_arguments_reach_the_app_as_they_were_written(words: list[str]) -> None:
    document = job_of(made("raw_exec", run={"command": ["program", *words]}))
    config = driver_config(task(document)["Config"], variables(document), NODE)
    assert config["args"][-len(words) - 1 :] == ["program", *words]


@given(LINE, st.lists(TEXT, max_size=3))
def test_an_image_and_its_command_reach_the_driver_as_they_were_written(image: str, words: list[str]) -> None:
    document = job_of(made("docker", run={"image": image, "command": ["program", *words]}))
    config = driver_config(task(document)["Config"], variables(document), NODE)
    assert (config["image"], config["command"], config.get("args", [])) == (image, "program", words)


@given(LINE, st.lists(LINE, max_size=3), st.dictionaries(st.from_regex(r"\A[a-z]{1,5}\Z"), LINE, max_size=3))
def test_the_entry_in_consul_is_what_was_written(team: str, tags: list[str], meta: dict[str, str]) -> None:
    meta = {key: value for key, value in meta.items() if len(value) <= 512}
    entry = registered(job_of(made("docker", team=team, consul={"tags": tags, "meta": meta})))
    assert entry["Tags"][-len(tags) :] == tags or not tags
    assert entry["CanaryMeta"]["outrider_team"] == team
    assert {key: entry["Meta"][key] for key in meta} == meta


@given(LINE, PATH, LINE, st.lists(TEXT, min_size=1, max_size=3))
def test_checks_ask_what_was_written(name: str, path: str, header: str, words: list[str]) -> None:
    written = [{"http": path, "name": name, "headers": {"x-token": header}}, {"script": ["program", *words]}]
    document = job_of(made("docker", checks=written))
    http, script = registered(document)["Checks"]
    assert (http["Name"], http["Path"], http["Header"]["x-token"]) == (name, path, [header])
    # Nomad replaces once for the service and once more for the script (client/allocrunner/taskrunner, newScriptCheck).
    assert interpolated_document(script["Args"], variables(document), NODE) == words


def as_text(value: Any) -> Any:
    """A document with numbers as text: protobuf's JSON takes both."""
    if isinstance(value, dict):
        return {key: as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_text(item) for item in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def slots(value: Any) -> dict[str, str]:
    """The variables that a document has slots for, with their samples."""
    if isinstance(value, Slot):
        return {value.variable: str(value.sample)}
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return {name: sample for item in inner for name, sample in slots(item).items()}


@given(PATH, st.sampled_from(["docker", "raw_exec"]))
def test_the_bootstrap_template_renders_what_envoy_was_meant_to_get(path: str, driver: str) -> None:
    document = bootstrap(made(driver, checks=[{"http": path}], upstreams={"callee": {"timeout": "1s"}}))
    text = rendered(template(document), slots(document), lambda _: None).text
    assert as_text(json.loads(text)) == as_text(sampled(document))


@given(PATH, LINE, st.lists(TEXT, max_size=3))
def test_only_our_own_questions_stand_in_templates(path: str, line: str, words: list[str]) -> None:
    document = job_of(
        made("docker", checks=[{"http": path}], team=line, env={f"V{n}": word for n, word in enumerate(words)})
    )
    texts = [
        each["EmbeddedTmpl"] for task in document["TaskGroups"][0]["Tasks"] for each in task.get("Templates") or []
    ]
    actions = {action for text in texts for action in re.findall(r"\{\{.*?\}\}", text, re.DOTALL)}
    carried = {bytes_of(AGENT.serve), bytes_of(AGENT.gate)}
    assert carried <= actions
    ours = re.compile(r"\{\{ env `NOMAD_[A-Za-z0-9_]+` \}\}")
    assert [action for action in actions - carried if not ours.fullmatch(action)] == []


def strings(value: Any) -> set[str]:
    """Every text in a document, and the keys of its maps."""
    if isinstance(value, str):
        return {value}
    inner = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return {text for item in inner for text in strings(item)}


def unquoted(text: str) -> str:
    """The value of a quoted string of HCL."""
    return re.sub(r"([$%])\1\{", r"\1{", json.loads(text))


@given(LINE, st.lists(TEXT, max_size=3))
def test_hcl_says_what_the_job_says(line: str, words: list[str]) -> None:
    document = job_of(made("raw_exec", team=line, run={"command": ["x", *words]}, env={"V": "".join(words)}))
    quoted = {unquoted(text) for text in re.findall(r'"(?:[^"\\]|\\.)*"', hcl(document))}
    app = task(document)
    assert strings([app["Config"]["args"], list(app["Env"].values()), app.get("Templates") or []]) - quoted <= {
        *(key for each in app.get("Templates") or [] for key in each)
    }
