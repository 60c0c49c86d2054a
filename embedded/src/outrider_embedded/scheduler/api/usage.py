"""What the processes of an allocation use, in the shape of a Nomad client's numbers."""

from __future__ import annotations

import contextlib
import time

import psutil

from outrider_embedded.scheduler.documents import Document


def usage(pids: dict[str, int]) -> Document:
    """``/v1/client/allocation/:id/stats`` for the main process of each running task."""
    now = time.time_ns()
    tasks = {name: _task(pid, now) for name, pid in pids.items()}
    total = sum(task["ResourceUsage"]["MemoryStats"]["RSS"] for task in tasks.values())
    return {
        "ResourceUsage": {**_resources(total, 0.0), "DeviceStats": []},
        "Tasks": tasks,
        "Timestamp": now if tasks else 0,
    }


def _task(pid: int, now: int) -> Document:
    memory, ticks = _memory(pid), _ticks(pid)
    return {"Pids": {str(pid): _resources(memory, ticks)}, "ResourceUsage": _resources(memory, ticks), "Timestamp": now}


def _resources(memory: int, ticks: float) -> Document:
    return {
        "CpuStats": {
            "Measured": ["System Mode", "User Mode", "Percent"],
            "Percent": 0.0,
            "SystemMode": 0.0,
            "ThrottledPeriods": 0,
            "ThrottledTime": 0,
            "TotalTicks": ticks,
            "UserMode": 0.0,
        },
        "DeviceStats": None,
        "MemoryStats": {
            "Cache": 0,
            "KernelMaxUsage": 0,
            "KernelUsage": 0,
            "MappedFile": 0,
            "MaxUsage": 0,
            "Measured": ["RSS", "Swap"],
            "RSS": memory,
            "Swap": 0,
            "Usage": memory,
        },
    }


def _memory(pid: int) -> int:
    """Bytes of resident memory; 0 for a process that is gone."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).memory_info().rss
    return 0


def _ticks(pid: int) -> float:
    """Seconds of processor time so far."""
    with contextlib.suppress(psutil.Error):
        times = psutil.Process(pid).cpu_times()
        return times.user + times.system
    return 0.0
