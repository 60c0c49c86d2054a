"""Who asks is never forgotten: every operation of the application is told."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from outrider.operations.application import Application
from outrider.operations.changes import Changes
from outrider.operations.execs import Execs

OPERATIONS = {
    name: method
    for name, method in (*vars(Application).items(), *vars(Changes).items(), *vars(Execs).items())
    if inspect.isfunction(method) and not name.startswith("_")
}
TELL_WHO_ASKS = {"Principal", "Order"}


def test_the_application_has_operations() -> None:
    assert {"plan", "deploy", "promote", "fail", "status", "events", "uploaded", "session"} <= set(OPERATIONS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_is_told_who_asks(name: str) -> None:
    operation: Callable[..., Any] = OPERATIONS[name]
    parameters = inspect.signature(operation).parameters.values()
    told = [one for one in parameters if one.annotation in TELL_WHO_ASKS]
    assert [(one.annotation, one.default) for one in told] in (
        [("Principal", inspect.Parameter.empty)],
        [("Order", inspect.Parameter.empty)],
    )
