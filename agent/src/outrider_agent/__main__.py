"""The verbs: ``serve`` (also without a verb) answers Envoy, ``gate`` waits until a sidecar can carry traffic.

Each verb's own module is imported when it is called: the gate's task carries nothing of the agent's.
"""

from __future__ import annotations

import importlib
import sys

from outrider_agent.listener import ListenError
from outrider_agent.settings import SettingsError

USAGE = (
    "usage: outrider-agent [serve | gate [SECONDS]]; settings are environment variables, see docs/reference/agent.md"
)
FAILED = 1
USAGE_ERROR = 64  # EX_USAGE
SETTINGS_ERROR = 78  # EX_CONFIG


def say(message: str) -> None:
    print(f"outrider-agent: {message}", file=sys.stderr, flush=True)


def verb(arguments: list[str]) -> int:
    if arguments in ([], ["serve"]):
        return importlib.import_module("outrider_agent.serving").serve(say)
    name, seconds = arguments[0], arguments[1:]
    if name == "gate" and (not seconds or (len(seconds) == 1 and seconds[0].isdigit())):
        return importlib.import_module("outrider_agent.waiting").wait(say, *map(float, seconds))
    say(USAGE)
    return USAGE_ERROR


def main() -> int:
    try:
        return verb(sys.argv[1:])
    except SettingsError as problem:
        say(f"settings that cannot be used:\n{problem}")
        return SETTINGS_ERROR
    except ListenError as problem:
        say(str(problem))
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
