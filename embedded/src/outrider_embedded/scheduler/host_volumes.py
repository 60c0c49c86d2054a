"""Host volumes: whether the node has what a group asks for, and those that this cluster makes when a job asks for them."""

from __future__ import annotations

from pathlib import Path

from outrider_embedded.scheduler.documents import Document, fields, rows

MISSING = "missing compatible host volumes"
"""Nomad's word (scheduler/feasible, FilterConstraintHostVolumes)."""


def lacks(group: Document, node: Document) -> bool:
    """Whether one of the group's volumes is not on the node, or may only be read there."""
    return any(not _is_there(one, node) for one in requests(group))


def requests(group: Document) -> list[Document]:
    """What the group asks for of kind host."""
    return [one for one in fields(group.get("Volumes")).values() if one["Type"] == "host"]


def make(job: Document, node: Document, directory: Path | None) -> None:
    """A directory for each volume that the job asks for, and its entry on the node; nothing where there is no place for them.

    A Nomad has those that its client's configuration names; on one machine nobody should have to write that.
    """
    if directory is None:
        return
    wanted: list[str] = [one["Source"] for group in job["TaskGroups"] for one in requests(group)]
    for name in wanted:
        if name not in node["HostVolumes"] and _is_name(name):
            place = directory / name
            place.mkdir(mode=0o777, parents=True, exist_ok=True)
            node["HostVolumes"][name] = {"ID": "", "Name": name, "Path": str(place), "ReadOnly": False}


def _is_name(name: str) -> bool:
    """Whether a directory of that name lies where it should."""
    return name not in {"", ".", ".."} and "/" not in name and "\0" not in name


def volume_problems(group: Document) -> list[str]:
    """What is wrong with the group's volumes, in Nomad's words (structs: VolumeRequest.Validate)."""
    found: list[str] = []
    for name, request in fields(group.get("Volumes")).items():
        if request["Type"] not in {"host", "csi"}:
            said = f"volume has unrecognized type {request['Type']}"
            found.append(f"Task group volume validation for {name} failed: {said}")
        elif not request["Source"]:
            problems = "1 error occurred:\n\t* volume has an empty source\n\n"
            found.append(f"Task group volume validation for {name} failed: {problems}")
    return found


def mount_problems(task: Document, group: Document) -> list[str]:
    """Mounts of volumes that the group does not ask for."""
    known = fields(group.get("Volumes"))
    return [
        f"Volume Mount ({number}) references undefined volume {one['Volume']}"
        for number, one in enumerate(rows(task.get("VolumeMounts")))
        if one["Volume"] not in known
    ]


def refusal(task: Document) -> str | None:
    """Why a task with mounts cannot start: nothing is mounted here, as with Nomad's raw_exec (client: volumeHook)."""
    if not rows(task.get("VolumeMounts")):
        return None
    return f'volumes: task driver "{task["Driver"]}" for "{task["Name"]}" does not support host volumes'


def _is_there(request: Document, node: Document) -> bool:
    found = fields(node.get("HostVolumes")).get(request["Source"])
    return found is not None and (request["ReadOnly"] or not found["ReadOnly"])
