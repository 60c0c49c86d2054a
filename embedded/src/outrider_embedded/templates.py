"""consul-template's language, as Nomad's ``template`` blocks use it: text rendered from environment and Consul.

Left out, with a clear error: what `template_unsupported.py` lists, and secrets where no lookup is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from outrider_embedded.template_evaluation import Evaluation
from outrider_embedded.template_lookups import Lookups
from outrider_embedded.template_sources import Sources
from outrider_embedded.template_text import TemplateError
from outrider_embedded.template_tree import tree

__all__ = ["Lookups", "Rendered", "TemplateError", "rendered"]


@dataclass(frozen=True, slots=True)
class Rendered:
    """The text, what was read for it, and which of that is missing: Nomad starts no task until nothing is."""

    text: str
    reads: tuple[tuple[str, str], ...] = ()
    """Kinds (key, prefix, service, catalog, file, variable, variables) and paths."""
    missing: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        return not self.missing


def rendered(
    text: str,
    environment: Mapping[str, str],
    key_value: Callable[[str], str | None],
    lookups: Lookups | None = None,
    delimiters: tuple[str, str] = ("{{", "}}"),
) -> Rendered:
    """Render a template; raises TemplateError with the line for what cannot be understood or done."""
    sources = Sources(environment, key_value, lookups or Lookups())
    out = Evaluation(sources).text(tree(text, *delimiters))
    return Rendered(out, tuple(sources.record.reads), tuple(sources.record.missing))
