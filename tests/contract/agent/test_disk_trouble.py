"""Disks and log readers that do not do their part: the agent goes on, tells of it, and makes good later."""

from __future__ import annotations

import fcntl
import json
import os
import select
import shlex
import sys
from pathlib import Path

import pytest
from outrider_agent import settings
from outrider_harness.agents import Agent, running_agent
from outrider_harness.envoys import running_envoy
from outrider_harness.scripted_consul import FakeConsul, entry
from outrider_harness.waiting import eventually
from support.mounted_agent import running_mounted_agent

PAGE = 4096
MANY = [f"upstream-{number}" for number in range(120)]  # a line for each of them is more than the pipe holds


def ports_on_disk(path: Path) -> list[int]:
    return [row[1] for row in json.loads(path.read_text())["upstreams"]["web"]]


@pytest.mark.needs("ip")
def test_a_snapshot_is_written_when_a_full_disk_has_got_room_again(directory: Path, fake: FakeConsul) -> None:
    disk = directory / "disk"
    disk.mkdir()
    full = [
        shlex.join(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]),
        f"head -c 1000000 /dev/zero > {disk}/filling || true",
    ]
    fake.put("web", entry("127.0.0.1", 1))
    more = {settings.SNAPSHOT: str(disk / "snapshot.json")}
    with running_mounted_agent(directory, fake.address, "web", full, more) as agent:
        eventually(lambda: agent.metric("outrider_agent_snapshot_failures ") >= 1)
        assert f"cannot write the snapshot {disk}/snapshot.json: no space left on device" in agent.output()
        assert [one.name for one in agent.sees(disk).iterdir()] == ["filling"]
        agent.sees(disk / "filling").unlink()
        eventually(lambda: agent.sees(disk / "snapshot.json").exists(), patience=60)
        assert ports_on_disk(agent.sees(disk / "snapshot.json")) == [1]
        eventually(lambda: "is written again" in agent.output())
        assert agent.output().count("cannot write") == 1


@pytest.mark.needs("ip")
def test_a_disk_that_can_only_be_read_is_written_when_it_can_be_written_again(
    directory: Path, fake: FakeConsul
) -> None:
    disk = directory / "disk"
    disk.mkdir()
    mounted = [shlex.join(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(disk)])]
    fake.put("web", entry("127.0.0.1", 1))
    more = {settings.SNAPSHOT: str(disk / "snapshot.json")}
    with running_mounted_agent(directory, fake.address, "web", mounted, more) as agent:
        eventually(lambda: "read-only file system" in agent.output())
        agent.runs_there("mount", "-o", "remount,rw", str(disk))
        eventually(lambda: agent.sees(disk / "snapshot.json").exists(), patience=60)


class Unheard(Agent):
    """An agent whose standard error is a small pipe that nobody reads."""

    def __init__(self, directory: Path, consul: str, upstreams: str) -> None:
        self.reader, self._writer = os.pipe()
        fcntl.fcntl(self._writer, fcntl.F_SETPIPE_SZ, PAGE)
        os.set_inheritable(self._writer, True)
        super().__init__(directory, consul, upstreams, {}, "/bin/sh")

    def program(self, archive: Path) -> list[str]:
        agent = shlex.join([sys.executable, "-I", "-S", str(archive)])
        return ["-c", f"exec {agent} 2> /proc/{os.getpid()}/fd/{self._writer}"]

    def is_full(self) -> bool:
        return not select.select([], [self._writer], [], 0)[1]

    def close(self) -> None:
        self.end(at_once=True)
        os.close(self.reader)
        os.close(self._writer)

    def hears(self, *lines: str) -> None:
        """Read until all of that has been said, in whatever order."""
        found = ""
        while missing := [line for line in lines if line not in found]:
            assert select.select([self.reader], [], [], 20)[0], missing
            found += os.read(self.reader, 65536).decode()


def test_a_log_reader_that_does_not_read_holds_up_neither_polls_nor_changes_nor_the_end(
    directory: Path, fake: FakeConsul, backends: list[int], envoy_bin: str
) -> None:
    agent = Unheard(directory, fake.address, ",".join(["web", *MANY]))
    try:
        eventually(agent.is_full)
        fake.put("web", entry("127.0.0.1", backends[0]))
        with running_envoy(envoy_bin, directory, ["web"]) as envoy:
            eventually(lambda: envoy.get("web")[0] == 200)
            fake.put("web", entry("127.0.0.1", backends[1]))
            eventually(lambda: envoy.endpoints("web") == {f"127.0.0.1:{backends[1]}"})
        assert agent.is_full()
        assert agent.end() == 0
        assert ports_on_disk(directory / "snapshot.json") == [backends[1]]
    finally:
        agent.close()


def test_a_log_reader_that_reads_again_hears_the_rest(directory: Path, fake: FakeConsul) -> None:
    agent = Unheard(directory, fake.address, ",".join(MANY))
    try:
        eventually(agent.is_full)
        eventually(lambda: all(one["state"] == "current" for one in agent.document()["upstreams"].values()))
        agent.hears(*(f" {name}: current" for name in MANY))
    finally:
        agent.close()


def test_a_fifo_in_place_of_the_token_or_the_snapshot_holds_nothing_up(directory: Path, fake: FakeConsul) -> None:
    fake.put("web", entry("127.0.0.1", 1))
    for name in ("token", "snapshot.json"):
        os.mkfifo(directory / name)
    more = {settings.CONSUL_TOKEN: "fallback", settings.CONSUL_TOKEN_FILE: str(directory / "token")}
    with running_agent(directory, fake.address, "web", more) as agent:
        eventually(lambda: agent.upstream("web").get("state") == "current")
        assert "it is no regular file" in agent.output()
        assert fake.log[0][2]["x-consul-token"] == "fallback"
        eventually((directory / "snapshot.json").is_file)
        assert ports_on_disk(directory / "snapshot.json") == [1]
