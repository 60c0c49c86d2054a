"""How values of a spec look where a person reads them: as they would write them, on one line; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import yaml

if TYPE_CHECKING:
    from outrider.spec.upstream import Upstream

WIDEST = 100
UNSET: tuple[object, ...] = (None, [], {})


def as_written(value: Any) -> str:
    """A value of a spec's JSON as compact YAML; parts that are not set are left out, and what is long is cut.

    Durations need no care: models hand them out as they are written.
    """
    if value is None:
        return "-"
    flow = yaml.safe_dump(_set(value), default_flow_style=True, width=10**6, sort_keys=False, allow_unicode=True)
    text = flow.removesuffix("\n").removesuffix("\n...")
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"


def knobs_written(upstream: Upstream) -> str:
    """The settings of an upstream that are not at their default: ``timeout 800ms, retries 2``."""
    said: dict[str, Any] = upstream.model_dump(mode="json", exclude_defaults=True)
    return ", ".join(f"{name} {as_written(value)}" for name, value in said.items())


def _set(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _set(part) for name, part in cast("dict[str, Any]", value).items() if part not in UNSET}
    if isinstance(value, list):
        return [_set(part) for part in cast("list[Any]", value)]
    return value
