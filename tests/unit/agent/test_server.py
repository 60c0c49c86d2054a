"""How many clients an agent serves at a time."""

from __future__ import annotations

import pytest
from outrider_agent.server import DESCRIPTORS_BESIDE, FOR_OTHERS, LEAST_ROOM, most_connections


@pytest.mark.parametrize("upstreams", [12, 120, 260, 500, 2_000])
def test_there_is_room_for_a_poll_of_each_upstream_and_for_others_beside_them(upstreams: int) -> None:
    most = most_connections(upstreams, 32, 1 << 20)
    assert most >= upstreams + FOR_OTHERS
    assert most >= LEAST_ROOM


def test_descriptors_for_consul_and_files_are_left() -> None:
    assert most_connections(12, 12, 256) == 256 - 12 - DESCRIPTORS_BESIDE
    assert most_connections(12, 12, 20) == 1
