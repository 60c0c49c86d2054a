"""What a running process takes, where ``psutil`` does not tell it so finely."""

from __future__ import annotations

from pathlib import Path

from psutil import Process


def mapped(pid: int) -> dict[str, int]:
    """Bytes by kind, exact (proc(5), smaps_rollup): ``psutil`` sums Pss and private pages only, and takes Rss from statm.

    ``statm`` may be off by some pages for each thread.
    """
    lines = [line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]]
    return {line[0].rstrip(":"): int(line[1]) * 1024 for line in lines}


def first_thread_s(pid: int) -> float:
    """Processor time of the first thread so far, in seconds, by the nanosecond: ``psutil`` counts hundredths."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def processor_s(pid: int) -> float:
    """User and system time of all threads so far, in seconds."""
    times = Process(pid).cpu_times()
    return times.user + times.system
