"""What differs in one environment: how it is laid over the rest, and where its problems stand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from outrider.spec.reading.files import read_service

Said = Callable[..., list[str]]

SPEC = """
service: checkout
run: {image: "x:1"}
count: 2
upstreams: {payments: {timeout: 1s, retries: 1}}
env: {LEVEL: info, FLAG: {consul: a/b}}
checks: [{tcp: true}, {http: /healthz}]
update: {canary: 1}
environments:
  stage:
    count: null
    checks: [{tcp: true}]
    upstreams: {payments: {retries: 3}, feed: {stream: true}}
    env: {FLAG: {consul: null, vault: "a#b"}}
    update: {canary: null}
  production: {count: 4}
"""


def test_an_environment_is_laid_over_the_common_part() -> None:
    stage = read_service(SPEC, "f", "stage").service
    assert stage.count is None
    assert len(stage.checks) == 1
    assert (stage.upstreams["payments"].timeout, stage.upstreams["payments"].retries) == (1_000, 3)
    assert list(stage.upstreams) == ["payments", "feed"]
    assert stage.env["LEVEL"] == "info"
    assert stage.env["FLAG"].model_dump(exclude_none=True) == {"vault": "a#b"}  # type: ignore[union-attr]
    assert stage.update.canary == 0


def test_an_environment_that_the_file_does_not_name_has_no_difference() -> None:
    common = read_service(SPEC, "f").service
    assert read_service(SPEC, "f", "elsewhere").service == common
    assert common.count == 2


@pytest.mark.parametrize(
    ("environments", "message"),
    [
        (
            "{stage: {cuont: 1}}",
            '3:24: environments.stage.cuont: unknown key (did you mean "count"?)',
        ),
        (
            "{stage: {count: x}}",
            '3:31: environments.stage.count: must be a whole number (number of allocations); found "x"',
        ),
        ("{stage: {service: y}}", "3:24: environments.stage.service: is the same in all environments"),
        (
            "{stage: {environments: {}}}",
            "3:24: environments.stage.environments: is the same in all environments",
        ),
        ("{stage: }", "3:16: environments.stage: must be a map of what differs there, or {}; found nothing"),
        ("{stage: x}", '3:16: environments.stage: must be a map of what differs there, or {}; found "x"'),
        ("{Stage: {}}", '3:16: environments.Stage: must be a DNS label (a-z, 0-9, -); found "Stage"'),
        (
            "{stage: {count: null}}",
            "3:24: environments.stage.count: removes nothing: the common part has no such key",
        ),
        (
            "{stage: {run: {imag: null}}}",
            (
                "3:30: environments.stage.run.imag: removes nothing: the common part has no such key "
                '(did you mean "image"?)'
            ),
        ),
        ("{stage: {run: null}}", "3:29: environments.stage.run: is missing: what is started"),
        (
            "{stage: {upstreams: {a: {timeout: 3}}}}",
            "3:49: environments.stage.upstreams.a.timeout: needs a unit, as in 3ms or 3s; found 3",
        ),
        (
            "{stage: {mesh: false, upstreams: {a: {}}}}",
            (
                "3:37: environments.stage.upstreams: a service with mesh: false has no sidecar that could call them; "
                "remove them, or mesh: false"
            ),
        ),
        ("{stage: {env: {PORT: '1'}}}", "3:30: environments.stage.env.PORT: is set by Outrider: choose another name"),
        ("{prodution: {}}", '3:16: environments.prodution: unknown environment (did you mean "production"?)'),
    ],
)
def test_a_problem_in_an_environment_stands_at_its_own_line(
    small: str, said: Said, environments: str, message: str
) -> None:
    found = said(f"{small}environments: {environments}", "elsewhere", ("stage", "production"))
    assert len(found) == 1
    assert found[0].startswith(message)


def test_an_environment_far_from_every_known_one_may_belong_to_another_platform(small: str, said: Said) -> None:
    assert said(small + "environments: {laboratory: {}}", "stage", ("stage", "production")) == []


def test_a_problem_of_the_common_part_is_told_once(small: str, said: Said) -> None:
    found = said(small + "count: x\nenvironments: {stage: {}, production: {port: 80}}")
    assert found == ['3:8: count: must be a whole number (number of allocations); found "x"']


def test_the_common_part_must_hold_by_itself(said: Said) -> None:
    found = said("service: a\nenvironments: {stage: {run: {image: x}}}", "stage")
    assert found == ["1:1: run: is missing: what is started"]


def test_a_difference_that_breaks_a_rule_with_the_common_part_is_told_where_it_is_made(small: str, said: Said) -> None:
    found = said(small + "protocol: redis\nenvironments: {stage: {count: 2}}")
    assert found == [
        (
            "4:31: environments.stage.count: several redis instances share the keys between them: "
            "write shard: true if they may, or count: 1"
        )
    ]
