"""Whom the agent trusts: files that change are read again, aside, and what is wrong with them is said."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from outrider_agent import tls
from outrider_agent.addresses import Address
from outrider_agent.channel import ChannelError
from outrider_agent.loop import Loop
from outrider_agent.settings import ConsulSettings

CERTIFICATES = Path(__file__).parents[2] / "fakes" / "certificates"


@pytest.fixture
def loop() -> Generator[Loop]:
    made = Loop()
    yield made
    made.close()


@pytest.fixture
def consul(tmp_path: Path) -> ConsulSettings:
    (tmp_path / "ca.pem").write_bytes((CERTIFICATES / "ca.pem").read_bytes())
    found = ConsulSettings(Address(), is_tls=True)
    found.ca = str(tmp_path / "ca.pem")
    return found


def test_a_file_that_is_replaced_makes_another_context_and_one_that_stays_the_same(
    loop: Loop, consul: ConsulSettings
) -> None:
    trust = tls.Trust(loop, consul)
    first = trust._context
    trust._look()
    assert trust._context is first
    os.utime(consul.ca, (1, 1))
    trust._look()
    assert trust._context is not first


def test_a_file_that_is_half_written_changes_nothing_while_another_is_of_use(
    loop: Loop, consul: ConsulSettings
) -> None:
    trust = tls.Trust(loop, consul)
    whole = Path(consul.ca).read_bytes()
    Path(consul.ca).write_bytes(whole[:100])
    trust._look()
    trust.channel()
    Path(consul.ca).write_bytes(whole)
    first = trust._context
    trust._look()
    assert trust._context is not first


def test_a_file_whose_disk_hangs_holds_nobody_up_and_is_the_reason(loop: Loop, consul: ConsulSettings) -> None:
    Path(consul.ca).unlink()
    os.mkfifo(consul.ca)
    trust = tls.Trust(loop, consul)
    with pytest.raises(ChannelError, match="still being read"):
        trust.channel()
    os.close(os.open(consul.ca, os.O_RDWR))
