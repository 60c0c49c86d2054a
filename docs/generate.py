"""Writes the generated reference pages; ``make docs`` runs it, and a test fails where a page is stale."""  # noqa: INP001

from __future__ import annotations

from pathlib import Path

from outrider.cli.document_reference import document_reference
from outrider.cli.reference import cli_reference
from outrider.portal.app import api_app
from outrider.portal.reference import api_reference
from outrider.spec.reference import platform_reference, service_reference

REFERENCE = Path(__file__).parent / "reference"
PAGES = {
    "service-spec.md": service_reference,
    "platform.md": platform_reference,
    "cli.md": cli_reference,
    "plan.md": document_reference,
    "api.md": lambda: api_reference(api_app().openapi()),
}


def main() -> None:
    """Write each page and say so."""
    for name, page in PAGES.items():
        path = REFERENCE / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(page(), encoding="utf-8")
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
