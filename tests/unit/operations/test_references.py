"""What a task cannot read, in words: Nomad's events as 1.6.5 and 2.0.5 write them, and what the templates say it is for."""

from __future__ import annotations

from typing import Any

import pytest

from outrider.nomad.read.allocations import allocations
from outrider.nomad.read.references import in_words
from outrider.nomad.write.access import of_nomad
from outrider.nomad.write.template import environment_template, file_template, kept, template, variables
from outrider.spec.variables import ConsulValue, File, NomadValue, VaultValue

ENVIRONMENT = variables(
    [
        ("LIMIT", ConsulValue(consul="pay/limit")),
        ("PASSWORD", NomadValue(nomad_variable="nomad/jobs/pay#password")),
        ("USER", NomadValue(nomad_variable="nomad/jobs/pay#user")),
        ("TOKEN", VaultValue(vault="kv/data/pay#token")),
    ]
)
TASK: dict[str, Any] = {
    "Templates": [
        environment_template("secrets/outrider.env", ENVIRONMENT, "restart"),
        file_template(
            File(path="app.conf", template='{{ key "pay/limit" }} {{ range service `tax` }}x{{ end }}'),
            "raw_exec",
            "restart",
        ),
        template("secrets/consul.token", kept("nomad/jobs/agent#it"), of_nomad()),
    ]
}


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("Missing: kv.block(pay/limit)", "waits for Consul key pay/limit (for LIMIT, local/app.conf)"),
        (
            "Missing: nomad.var.block(nomad/jobs/pay@default.global)",
            "waits for Nomad variable nomad/jobs/pay, item password, user (for PASSWORD, USER)",
        ),
        ("Missing: vault.read(kv/data/pay)", "waits for Vault secret kv/data/pay, item token (for TOKEN)"),
        (
            "Missing: nomad.var.block(nomad/jobs/agent@default.global)",
            "waits for Nomad variable nomad/jobs/agent, item it (for secrets/consul.token)",
        ),
        (
            "Missing: kv.block(a), kv.block(b), kv.block(c), and 2 more",
            "waits for Consul key a, Consul key b, Consul key c, and 2 more",
        ),
        ("Missing: nomad.future(x)", "waits for nomad.future(x)"),
        ("Missing: something else", "waits for something else"),
        (
            "Template failed: missing value for if",
            "Template failed: missing value for if (in local/app.conf or secrets/consul.token)",
        ),
        (
            "Template failed: the one-machine cluster has no Nomad variables: nomad/jobs/pay cannot be read",
            "Template failed: the one-machine cluster has no Nomad variables: nomad/jobs/pay cannot be read (for PASSWORD, USER)",
        ),
        (
            "Template failed: vault.read(kv/data/pay): denied",
            "Template failed: vault.read(kv/data/pay): denied (for TOKEN)",
        ),
        (
            "Template failed: kv.block(pay/limit): no path to region",
            "Template failed: kv.block(pay/limit): no path to region (for LIMIT, local/app.conf)",
        ),
        (
            "Template failed: nomad.var.block(nomad/jobs/pay-two): denied",
            "Template failed: nomad.var.block(nomad/jobs/pay-two): denied (in local/app.conf or secrets/consul.token)",
        ),
        ("Template failed to read environment variables: no =", "Template failed to read environment variables: no ="),
        ("Exit Code: 3", "Exit Code: 3"),
    ],
)
def test_an_event_says_what_is_missing_and_what_for(event: str, words: str) -> None:
    assert in_words(event, TASK) == words


def test_without_the_job_the_path_is_named_all_the_same() -> None:
    assert in_words("Missing: kv.block(pay/limit)") == "waits for Consul key pay/limit"


def stub(*events: tuple[str, str], state: str = "pending", version: int = 4) -> dict[str, Any]:
    told = [{"Type": kind, "DisplayMessage": text} for kind, text in events]
    tasks = {"app": {"State": state, "Failed": False, "Restarts": 0, "Events": told}}
    return {
        "ID": "a",
        "Name": "pay.pay[0]",
        "ClientStatus": "pending",
        "DesiredStatus": "run",
        "JobVersion": version,
        "TaskStates": tasks,
    }


MISSING = ("Template", "Missing: kv.block(pay/limit)")
UNHEALTHY = ("Alloc Unhealthy", "Task not running by healthy_deadline of 12s")


def test_a_pending_task_says_what_it_waits_for_by_the_job_of_its_own_version() -> None:
    jobs = [{"Version": 4, "TaskGroups": [{"Tasks": [{"Name": "app", **TASK}]}]}, {"Version": 5, "TaskGroups": []}]
    (found,) = allocations([stub(MISSING, UNHEALTHY)], jobs)
    assert found.tasks[0].unread == "waits for Consul key pay/limit (for LIMIT, local/app.conf)"
    (other,) = allocations([stub(MISSING, version=5)], jobs)
    assert other.tasks[0].unread == "waits for Consul key pay/limit"


def test_a_task_that_runs_waits_for_nothing_any_more() -> None:
    (found,) = allocations([stub(MISSING, ("Started", "Task started by client"), state="running")])
    assert (found.tasks[0].unread, found.tasks[0].reason) == ("", "")


def test_a_task_that_is_killed_because_of_its_template_says_so_and_one_that_is_stopped_does_not() -> None:
    (found,) = allocations([stub(("Killing", "Template failed: nope"), state="dead")])
    assert found.tasks[0].reason == "Template failed: nope"
    (stopped,) = allocations([stub(("Killing", "Sent interrupt. Waiting 5s before force killing"), state="dead")])
    assert stopped.tasks[0].reason == ""


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ("kv.block(a/b)", "Consul key a/b"),
        ("kv.get(a/b)", "Consul key a/b"),
        ("kv.list(a)", "Consul keys below a"),
        ("nomad.var.block(a/b@default.global)", "Nomad variable a/b"),
        ("nomad.var.get(a/b@default.global)", "Nomad variable a/b"),
        ("vault.read(a/b)", "Vault secret a/b"),
        ("vault.write(a/b)", "Vault secret a/b"),
        ("vault.token(x)", "Vault token x"),
        ("health.service(web|passing)", "Consul service web"),
        ("catalog.service(web)", "Consul service web"),
        ("nomad.service(web)", "Nomad service web"),
    ],
)
def test_each_kind_of_reference_has_a_name_that_people_know(event: str, said: str) -> None:
    assert in_words(f"Missing: {event}").startswith(f"waits for {said}")
