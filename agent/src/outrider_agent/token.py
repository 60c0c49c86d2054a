"""The ACL token: where it comes from, and looks at its file, which somebody may replace."""

from __future__ import annotations

import os
from collections.abc import Callable

from outrider_agent.background import BackgroundWork, nothing, within
from outrider_agent.files import content
from outrider_agent.loop import Loop
from outrider_agent.settings import ConsulSettings

LONGEST_TOKEN = 4096  # bytes of its file
FIRST_LOOK = 1.0  # seconds that the start waits for the token's file
LOOK_PAUSE = 0.5  # seconds between two looks at it


class Token:
    """The ACL token; a file that is replaced is read again without a restart."""

    def __init__(self, settings: ConsulSettings) -> None:
        self._path = settings.token_file
        self._fixed = settings.token
        self._stamp: object = None
        self._read = ""

    @property
    def is_in_file(self) -> bool:
        return bool(self._path)

    @property
    def known(self) -> str:
        """As of the last look."""
        return self._read or self._fixed

    def value(self) -> str:
        self.has_changed()
        return self.known

    def has_changed(self) -> bool:
        """Look at the file; true when it holds another token than before. An unreadable one changes nothing."""
        if not self._path:
            return False
        before = self._read
        try:
            found = os.stat(self._path)
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
            if stamp != self._stamp:
                self._read = _first_line(self._path)
                self._stamp = stamp
        except (OSError, ValueError):
            return False
        return self._read != before


def _first_line(path: str) -> str:
    return content(path, LONGEST_TOKEN).decode("utf-8", "replace").strip().partition("\n")[0]


class TokenLook:
    """Looks at the token's file in the background, once a second at most: its disk may hang."""

    def __init__(self, loop: Loop, token: Token) -> None:
        self._loop = loop
        self._token = token
        self._background = BackgroundWork(loop)
        self._not_before = loop.now() + LOOK_PAUSE
        if token.is_in_file:
            within(FIRST_LOOK, self._first)

    @property
    def known(self) -> str:
        """The token as of the last look."""
        return self._token.known

    def again(self) -> None:
        """Look, unless that was done a moment ago."""
        now = self._loop.now()
        if not self._token.is_in_file or self._background.is_busy or now < self._not_before:
            return
        self._not_before = now + LOOK_PAUSE
        try:
            self._background.begin(self._looked)
        except OSError:
            return  # the token that is known has to do

    def _looked(self) -> Callable[[], None]:
        self._token.has_changed()
        return nothing

    def _first(self) -> None:
        self._token.has_changed()
