"""Which network interface of this machine has an address."""

from __future__ import annotations

import fcntl
import socket
import struct

_SIOCGIFADDR = 0x8915


def device_of(address: str) -> str:
    """The interface's name, as netdevice(7) tells it; "lo" for an address that no interface has first."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        names = [name for _, name in socket.if_nameindex() if _first_address(asked, name) == address]
    return names[0] if names else "lo"


def _first_address(asked: socket.socket, name: str) -> str:
    try:
        answer = fcntl.ioctl(asked.fileno(), _SIOCGIFADDR, struct.pack("256s", name.encode()))
    except OSError:  # an interface without an IPv4 address
        return ""
    return socket.inet_ntoa(answer[20:24])
