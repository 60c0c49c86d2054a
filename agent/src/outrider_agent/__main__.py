"""The verbs: ``serve`` (also without a verb) answers Envoy, ``gate`` waits until a sidecar can carry traffic.

Each verb's own module is imported when it is called: the gate's task carries nothing of the agent's.
"""

from __future__ import annotations

import importlib
import os
import sys

from outrider_agent.background import within
from outrider_agent.listener import ListenError
from outrider_agent.log import Log
from outrider_agent.settings import SettingsError

USAGE = (
    "usage: outrider-agent [serve | gate [SECONDS]]; settings are environment variables, see docs/reference/agent.md"
)
FAILED = 1
USAGE_ERROR = 64  # EX_USAGE
FAULT = 70  # EX_SOFTWARE
SETTINGS_ERROR = 78  # EX_CONFIG
STANDARD_ERROR = 2
NOWHERE = -1  # where standard error is closed: its number may be a socket's by now


LOG = Log(STANDARD_ERROR if sys.stderr else NOWHERE)
LAST_WORDS = 1.0  # seconds in which somebody may take them


def say(message: str) -> None:
    LOG.say(message)


def verb(arguments: list[str]) -> int:
    if arguments in ([], ["serve"]):
        return importlib.import_module("outrider_agent.serving").serve(say)
    name, seconds = arguments[0], arguments[1:]
    if name == "gate" and (not seconds or (len(seconds) == 1 and seconds[0].isdigit())):
        return importlib.import_module("outrider_agent.gate").wait(say, *map(float, seconds))
    say(USAGE)
    return USAGE_ERROR


def main() -> int:
    try:
        return ended(sys.argv[1:])
    except Exception as fault:  # noqa: BLE001  told if somebody reads, and the task starts anew in any case
        shown = (type(fault), fault, fault.__traceback__)
        within(LAST_WORDS, lambda: sys.excepthook(*shown))
        os._exit(FAULT)
    finally:
        LOG.finish(LAST_WORDS)


def ended(arguments: list[str]) -> int:
    try:
        return verb(arguments)
    except SettingsError as problem:
        say(f"settings that cannot be used:\n{problem}")
        return SETTINGS_ERROR
    except ListenError as problem:
        say(str(problem))
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
