"""What Nomad says where it does not run a command, in our words, with what can be done: pure.

Its texts are those of 1.6.5 and 2.0.5 [S, client/alloc_endpoint.go, drivers/shared/executor, plugins/drivers/server.go].
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError, OutriderError, RemoteError, UsageError

if TYPE_CHECKING:
    from outrider.operations.exec_records import Exec

FORBIDDEN = "Permission denied"
CLOSED = "the connection has ended"  # as our own client words an end without a reason
UNABLE = ("does not support exec", "is not supported by this driver")
NOT_STARTED = ("is not running", "not started yet")
UNKNOWN = ("unknown task name", "task not found")
NO_PROGRAM = ("no such file or directory", "executable file not found", "not found in $PATH")
NOT_EXECUTABLE = "permission denied"


def explained(error: RemoteError, made: Exec, *, has_begun: bool = True) -> OutriderError:
    """The error as one about what was asked for, where it is one; else as it is. ``has_begun``: the command has said something."""
    said = error.message
    where = f"task {made.task} of allocation {made.allocation[:8]}"
    if FORBIDDEN in said:
        return RemoteError(
            "Nomad does not let the portal run commands",
            status=error.status,
            next_step='Give NOMAD_TOKEN a policy with "alloc-exec" in the namespace, and "alloc-node-exec" for tasks of raw_exec; '
            "a node may also refuse all of them (disable_remote_exec).",
        )
    if any(text in said for text in UNABLE):
        return UsageError(f"the driver of {where} cannot run commands beside it")
    if CLOSED in said:
        return ConflictError(
            f"Nomad ended the session with {where}, as it does where the task ends or is restarted",
            next_step=f"`outrider status {made.service} -e {made.environment}` shows what runs now"
            + ("." if has_begun else ", `outrider doctor` whether the portal may run commands."),
        )
    if any(text in said for text in (*NOT_STARTED, *UNKNOWN)):
        return UsageError(f"{where} does not run", next_step=f"`outrider status {made.service}` shows its tasks.")
    return _unstarted(said, made, where) or error


def _unstarted(said: str, made: Exec, where: str) -> UsageError | None:
    program = made.command[0]
    if any(text in said for text in NO_PROGRAM):
        shell = "Name another one: without a command it is /bin/sh, which images without a shell do not have."
        return UsageError(f"there is no program {program} for {where}", next_step=shell)
    if NOT_EXECUTABLE in said:
        return UsageError(f"{program} cannot be executed in {where}")
    return None
