"""How the API says no: a status and a line of text, as Nomad does."""

from __future__ import annotations


class RefusalError(Exception):
    """A call that is answered with an error; many mistakes of callers are a 500 with Nomad."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text
