"""What the platform file has to do with a plan, in one line: what it says otherwise, and whether that comes along; pure."""

from __future__ import annotations

from collections.abc import Iterator

from outrider.operations.answers.plan import Plan, PlatformPart
from outrider.operations.platform_change import in_one_line


def platform_lines(found: Plan) -> Iterator[str]:
    """One line wherever a version of ours runs."""
    part = found.platform
    if part is None:
        return
    if not part.is_known:
        yield f"platform: what the file said for version {part.version} is not known: an older Outrider stored it"
    elif not part.changes:
        yield f"platform: the file says for this service what it said for version {part.version}"
    else:
        yield f"platform: {in_one_line(part.changes)} ({_whether(part)})"


def _whether(part: PlatformPart) -> str:
    if part.is_without_effect:
        return f"changed since version {part.version}, without effect on this service"
    if part.is_taken:
        return f"changed since version {part.version}, and comes along"
    return f"changed since version {part.version}, and does not come along: see below"
