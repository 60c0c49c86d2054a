"""Where a server listens, and who reaches it there."""

from __future__ import annotations

import pytest
from outrider_ground.edge.listening import is_beyond_loopback, listening_address
from outrider_ground.edge.names import names_of
from outrider_ground.errors import OutriderError


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "::1", "127.200.0.9", "::ffff:127.0.0.1"])
def test_loopback_is_known_in_every_spelling(host: str) -> None:
    assert not is_beyond_loopback(listening_address(host))


@pytest.mark.parametrize("host", ["", " ", "0.0.0.0", "0", "::", "10.0.0.5", "::ffff:10.0.0.5", "fd00::1", "192.0.2.1"])
def test_every_other_address_is_beyond_it(host: str) -> None:
    assert is_beyond_loopback(listening_address(host))


@pytest.mark.parametrize("host", ["no.such.host.invalid", "a..b", "x" * 300])
def test_a_host_that_is_none_is_told(host: str) -> None:
    with pytest.raises(OutriderError, match="cannot listen on"):
        listening_address(host)


def test_names_are_compared_however_people_write_them() -> None:
    written = ["Portal.Example.", "portal.example:7070", "https://a.example/x", "[fd00:0::7]:1", "fd00::8", "", "x/y z"]
    assert names_of(written) >= {"portal.example", "a.example", "fd00::7", "fd00::8"}
