"""Addresses as a setting writes them: ``unix:path`` or ``host:port``."""

from __future__ import annotations

LARGEST_PORT = 65535
LONGEST_UNIX_PATH = 107  # sun_path holds 108 bytes with its closing zero (unix(7))


class Address:
    """Where a socket listens or connects: a unix socket's ``path``, or else a ``host`` and a ``port``."""

    __slots__ = ("host", "path", "port")

    def __init__(self, path: str = "", host: str = "", port: int = 0) -> None:
        self.path = path
        self.host = host
        self.port = port

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def unix_address(path: str) -> Address:
    """Raise ValueError where no socket can have this path."""
    if not path:
        raise ValueError("names no path")
    if len(path.encode()) > LONGEST_UNIX_PATH:
        raise ValueError(f"is longer than the {LONGEST_UNIX_PATH} bytes that a socket's path may have")
    return Address(path=path)


def address(text: str, default_port: int = 0) -> Address:
    """Raise ValueError, in words that follow the setting's name, for anything but ``unix:path`` and ``host:port``."""
    if text.startswith("unix:"):
        return unix_address(text[len("unix:") :])
    if text.endswith("]") or ":" not in text:
        host, port = text, str(default_port)
    else:
        host, _, port = text.rpartition(":")
    host = host.strip("[]")
    if not host or not host.isascii() or "/" in host:
        raise ValueError(f"{text!r} is neither unix:path nor host:port")
    if not port.isdigit() or not 0 < int(port) <= LARGEST_PORT:
        raise ValueError(f"{text!r} has no port from 1 to 65535")
    return Address(host=host, port=int(port))


def is_loopback(address: Address) -> bool:
    return bool(address.path) or address.host in {"localhost", "::1"} or address.host.startswith("127.")
