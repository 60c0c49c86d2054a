"""Rules over the volumes of one service: no two are one directory, and none hides another."""

from __future__ import annotations

from collections.abc import Iterator

from outrider.spec.mistakes import Mistake
from outrider.spec.service import Service
from outrider.spec.volume import variable_of


def volumes_at_odds(service: Service) -> Iterator[Mistake]:
    """Two of one name are one directory; two paths of which one lies in the other would hide something."""
    for index, volume in enumerate(service.volumes):
        earlier = service.volumes[:index]
        twin = next((one for one in earlier if variable_of(one.host) == variable_of(volume.host)), None)
        if twin is not None:
            message = (
                f"is volumes.{earlier.index(twin)} already"
                if twin.host == volume.host
                else f"has the variable of {twin.host}"
            )
            yield Mistake(("volumes", index, "host"), message)
        for number, other in enumerate(earlier):
            if f"{volume.path}/".startswith(f"{other.path}/") or f"{other.path}/".startswith(f"{volume.path}/"):
                yield Mistake(("volumes", index, "path"), f"lies where volumes.{number} is: {other.path}")
