"""Every piece of YAML in the how-to is one that a person can use."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from outrider.spec.reading.files import read_service

HOW_TO = Path(__file__).parents[3] / "docs" / "how-to" / "write-a-spec.md"
PIECES = re.findall(r"```yaml\n(.*?)```", HOW_TO.read_text(), re.DOTALL)


@pytest.mark.parametrize("piece", PIECES, ids=lambda piece: piece.split(":")[0])
def test_a_piece_of_the_how_to_is_right(small: str, piece: str) -> None:
    assert read_service(piece if piece.startswith("service:") else small + piece, "f").service


def test_there_are_pieces_at_all() -> None:
    assert len(PIECES) > 5
