"""The agent's socket and Envoy's: whatever somebody does to their files, they can be reached again."""

from __future__ import annotations

import shutil
import socket
import stat
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from outrider_agent.addresses import Address
from outrider_agent.listener import ListenError, listener
from outrider_agent.loop import NEVER, Actor, Loop
from outrider_agent.own_socket import PAUSE, OwnSocket
from outrider_agent.sockets import accepted
from outrider_agent.spare_name import SpareName
from outrider_harness.programs import short_directory
from support.turning import turned


@pytest.fixture
def path() -> Generator[Path]:
    """Of a socket in a directory of its own."""
    with short_directory() as directory:
        (directory / "alloc").mkdir()
        yield directory / "alloc" / "a.sock"


def is_reached(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def looked(loop: Loop, actor: Actor) -> None:
    """One look, until it has ended."""
    actor.wake(loop.now())
    turned(loop, lambda: actor.wake_at(0.0) < NEVER)


class Own:
    """An own socket whose callers are counted."""

    def __init__(self, loop: Loop, path: Path) -> None:
        self.loop = loop
        self.said: list[str] = []
        self.accepted = 0
        self.socket = OwnSocket(loop, Address(path=str(path)), self._accept, self.said.append)

    def _accept(self, _mask: int) -> None:
        try:
            accepted(self.socket.socket).close()
        except BlockingIOError:
            return  # meant for the one before
        self.accepted += 1

    def look(self) -> None:
        looked(self.loop, self.socket)


@pytest.fixture
def own(loop: Loop, path: Path) -> Generator[Own]:
    found = Own(loop, path)
    yield found
    found.socket.close()


def a_socket_that_somebody_deletes(path: Path) -> None:
    path.unlink()


def its_folder_deleted(path: Path) -> None:
    shutil.rmtree(path.parent)


def its_folder_replaced(path: Path) -> None:
    path.parent.rename(path.parent.with_name("old"))
    path.parent.mkdir()


def a_file_in_its_place(path: Path) -> None:
    path.unlink()
    path.write_text("mine")


def an_empty_folder_in_its_place(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_link_to_nowhere_in_its_place(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def a_dead_socket_in_its_place(path: Path) -> None:
    path.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))


DEEDS = [
    a_socket_that_somebody_deletes,
    its_folder_deleted,
    its_folder_replaced,
    a_file_in_its_place,
    an_empty_folder_in_its_place,
    a_link_to_nowhere_in_its_place,
    a_dead_socket_in_its_place,
]


@pytest.mark.parametrize("deed", DEEDS)
def test_the_agents_socket_is_bound_anew(own: Own, path: Path, deed: Callable[[Path], None]) -> None:
    own.look()
    assert (is_reached(path), own.said) == (True, [])
    for _ in range(2):
        deed(path)
        assert not is_reached(path)
        own.look()
        assert is_reached(path)
        if path.parent.with_name("old").exists():
            shutil.rmtree(path.parent.with_name("old"))
    before = own.accepted
    assert is_reached(path)
    turned(own.loop, lambda: own.accepted > before)
    assert stat.S_IMODE(path.lstat().st_mode) == 0o600
    assert own.said == [f"unix:{path} was gone or replaced: listening there anew"] * 2


def test_a_look_is_due_every_two_seconds_and_none_for_a_port(own: Own, loop: Loop) -> None:
    own.socket.wake(100.0)
    assert own.socket.wake_at(100.0) == NEVER, "while it looks"
    turned(loop, lambda: own.socket.wake_at(100.0) == 100.0 + PAUSE)
    port = OwnSocket(loop, Address(host="localhost", port=free_port()), lambda _mask: None, pytest.fail)
    assert port.wake_at(0.0) == NEVER
    port.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_a_place_that_somebody_else_listens_at_is_taken_when_they_have_gone(own: Own, path: Path) -> None:
    path.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen(1)
        for _ in range(3):
            own.look()
        assert len(own.said) == 1, "once"
        assert "another process listens there" in own.said[0]
    own.look()
    assert is_reached(path)


def test_a_folder_that_cannot_be_made_is_said_once_and_tried_again(own: Own, path: Path) -> None:
    shutil.rmtree(path.parent)
    path.parent.write_text("")
    for _ in range(3):
        own.look()
    assert len(own.said) == 1
    assert "not a directory" in own.said[0]
    path.parent.unlink()
    own.look()
    assert is_reached(path)


def test_what_is_precious_in_its_place_is_left(own: Own, path: Path) -> None:
    path.unlink()
    (path / "precious").mkdir(parents=True)
    own.look()
    assert "directory not empty" in own.said[0]
    (path / "precious").rmdir()
    own.look()
    assert is_reached(path)


def test_an_end_leaves_a_successors_socket_alone(loop: Loop, path: Path) -> None:
    old = Own(loop, path)
    path.unlink()
    new = Own(loop, path)
    old.socket.close()
    assert is_reached(path)
    new.socket.close()
    assert not path.exists()


def test_nobody_takes_a_socket_away_from_an_agent_that_runs(own: Own, path: Path) -> None:
    assert own.said == []
    with pytest.raises(ListenError, match="another process listens there"):
        listener(Address(path=str(path)))
    assert is_reached(path)


class Envoys:
    """Envoy's admin socket, bound once, and the agent's care for it."""

    def __init__(self, loop: Loop, path: Path) -> None:
        self.loop = loop
        self.path = path
        self.said: list[str] = []
        self.spare = SpareName(loop, str(path), self.said.append)
        self.socket: socket.socket | None = None

    def start(self) -> None:
        """As Envoy starts: what lies there is removed."""
        self.path.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(self.path))
        self.socket.listen(8)

    def end(self) -> None:
        """As Envoy ends: the file stays."""
        if self.socket:
            self.socket.close()

    def look(self) -> None:
        looked(self.loop, self.spare)


@pytest.fixture
def envoys(loop: Loop, path: Path) -> Generator[Envoys]:
    found = Envoys(loop, path)
    yield found
    found.end()


FOLDER_STAYS = [
    a_socket_that_somebody_deletes,
    a_file_in_its_place,
    an_empty_folder_in_its_place,
    a_link_to_nowhere_in_its_place,
]


@pytest.mark.parametrize("deed", FOLDER_STAYS)
def test_envoys_admin_socket_comes_back_from_its_second_name(
    envoys: Envoys, path: Path, deed: Callable[[Path], None]
) -> None:
    envoys.look()
    for _ in range(2):
        envoys.start()
        envoys.look()
        deed(path)
        assert not is_reached(path)
        envoys.look()
        assert is_reached(path), envoys.said
        envoys.look()
        envoys.end()
    assert envoys.said == [f"Envoy's socket unix:{path} was gone or replaced: it is back"] * 2
    assert sorted(one.name for one in path.parent.iterdir()) == [".a.sock.spare", "a.sock"]


def test_an_envoy_that_starts_anew_is_followed(envoys: Envoys, path: Path) -> None:
    envoys.start()
    envoys.look()
    envoys.end()
    envoys.start()
    envoys.look()
    path.unlink()
    envoys.look()
    assert is_reached(path)


def test_a_second_name_that_cannot_be_is_said_once(envoys: Envoys, path: Path) -> None:
    envoys.start()
    (path.with_name(".a.sock.spare") / "something").mkdir(parents=True)
    for _ in range(3):
        envoys.look()
    assert envoys.said == [f"no second name can be kept for Envoy's socket unix:{path}: directory not empty"]
    assert is_reached(path)


def test_where_both_names_are_gone_nothing_is_made_up(envoys: Envoys, path: Path) -> None:
    envoys.start()
    envoys.look()
    its_folder_replaced(path)
    envoys.look()
    assert list(path.parent.iterdir()) == []
    envoys.end()
    envoys.start()
    envoys.look()
    assert is_reached(path)
