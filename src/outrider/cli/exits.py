"""Exit codes, in one table; `plan` and `run` follow Nomad's own command line."""

from __future__ import annotations

from outrider_ground.errors import DeployFailed

OK = 0
FAILED = 1
CHANGES = 1  # plan: allocations would change; diff: both sides differ
NOT_PLACED = 2  # run: Nomad found no room
SHOWN = 3  # connect, disconnect, add, remove, pull: shown only, since nobody said yes
USAGE = 64  # the command line itself was wrong (sysexits.h: EX_USAGE), so that 2 stays "not placed"
WAIT_TIMEOUT = 124  # --wait-timeout ran out (as timeout(1) has it); the deployment goes on
INTERRUPTED = 130  # SIGINT
UNREAD = 141  # whoever read our output has gone (as a shell says of SIGPIPE)
PLAN_ERROR = 255
EXEC_ERROR = 255  # exec: the command could not run, or told no code (as ssh has it); all others are the command's own
# Of these 1 says something else than that they failed.
OF_ERRORS = {"plan": PLAN_ERROR, "diff": PLAN_ERROR, "exec": EXEC_ERROR}


def code_of(error: Exception, verb: str | None) -> int:
    """The exit code for an error that ended `verb`."""
    usual = NOT_PLACED if isinstance(error, DeployFailed) and not error.placed else FAILED
    return OF_ERRORS.get(verb or "", usual)
