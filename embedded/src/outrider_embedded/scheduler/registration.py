"""What callers ask of a job: register, stop, purge, revert, scale, stop one allocation; each is one commit."""

from __future__ import annotations

import time
from typing import cast

from outrider_embedded.scheduler import deployment as deployments
from outrider_embedded.scheduler.allocation import NO_TRANSITION
from outrider_embedded.scheduler.canonical import canonical_job
from outrider_embedded.scheduler.change import is_changed
from outrider_embedded.scheduler.documents import Document, fields
from outrider_embedded.scheduler.evaluation import new_evaluation
from outrider_embedded.scheduler.refusal import RefusalError
from outrider_embedded.scheduler.state import Commit, State
from outrider_embedded.scheduler.validation import count_problems, job_problems, listed, warnings
from outrider_embedded.scheduler.watcher import next_version

_NOTHING_DONE: Document = {
    "EvalCreateIndex": 0,
    "EvalID": "",
    "Index": 0,
    "JobModifyIndex": 0,
    "KnownLeader": False,
    "LastContact": 0,
    "NextToken": "",
}


def candidate(body: Document) -> Document:
    """The canonical job of a request's body. Raises RefusalError."""
    given = body.get("Job")
    if not isinstance(given, dict):
        raise RefusalError(400, "Job must be specified")
    document = cast("Document", given)
    if not document.get("ID"):
        raise RefusalError(400, "Job ID hasn't been provided")
    job = canonical_job(document)
    if job["Region"] != "global":
        raise RefusalError(500, "No path to region")
    return job


def valid_candidate(state: State, body: Document) -> Document:
    """The same, refused where it is not valid."""
    job = candidate(body)
    problems = job_problems(job, has_vault=state.has_vault)
    if problems:
        raise RefusalError(500, listed(problems))
    if job["Namespace"] != "default":
        raise RefusalError(500, listed([f'job "{job["ID"]}" is in nonexistent namespace "{job["Namespace"]}"']))
    return job


def register(state: State, body: Document) -> Document:
    """Store a job, as a new version where it differs from the present one. Raises RefusalError."""
    job = valid_candidate(state, body)
    existing = state.jobs.get(job["ID"])
    _enforce(body, existing)
    if body.get("PreserveCounts") and existing is not None:
        job = with_counts(job, existing)
    fresh = _fresh(job, existing)
    changed = fresh is not None
    modified = state.index + 1 if changed or existing is None else existing["ModifyIndex"]
    evaluation = new_evaluation(job["ID"], "job-register", JobModifyIndex=modified, Type=job["Type"])
    jobs = (fresh,) if fresh is not None else ()
    commit = state.commit(Commit("JobRegistered", jobs=jobs, evaluations=(evaluation,)))
    return _registered(commit, modified) | {"Warnings": warnings(job)}


def _enforce(body: Document, existing: Document | None) -> None:
    if not body.get("EnforceIndex"):
        return
    wanted: int = body.get("JobModifyIndex") or 0
    prefix = f"Enforcing job modify index {wanted}"
    if existing is None:
        if wanted:
            raise RefusalError(500, f"{prefix}: job does not exist")
    elif not wanted:
        raise RefusalError(500, f"{prefix}: job already exists")
    elif wanted != existing["JobModifyIndex"]:
        raise RefusalError(500, f"{prefix}: job exists with conflicting job modify index: {existing['JobModifyIndex']}")


def with_counts(job: Document, existing: Document) -> Document:
    """The job with the counts that its groups have now."""
    counts = {group["Name"]: group["Count"] for group in existing["TaskGroups"]}
    groups = [{**group, "Count": counts.get(group["Name"], group["Count"])} for group in job["TaskGroups"]]
    return {**job, "TaskGroups": groups}


def _fresh(job: Document, existing: Document | None) -> Document | None:
    """The job as the next version, or None where nothing differs."""
    submitted = {**job, "SubmitTime": time.time_ns()}
    if existing is None:
        return {**submitted, "Status": "pending", "CreateIndex": 0, "JobModifyIndex": 0}
    if not is_changed(existing, job):
        return None
    return next_version(existing, {**submitted, "Stable": False})


def _registered(commit: Commit, modified: int) -> Document:
    return {
        "EvalCreateIndex": commit.index,
        "EvalID": commit.evaluations[0]["ID"],
        "Index": commit.index,
        "JobModifyIndex": modified,
        "KnownLeader": False,
        "LastContact": 0,
        "NextToken": "",
    }


def evaluated(job: Document, evaluation: Document) -> Document:
    """The answer to an evaluation that somebody asked for."""
    index = evaluation["ModifyIndex"]
    asked = {"EvalCreateIndex": index, "EvalID": evaluation["ID"], "Index": index}
    return {**_NOTHING_DONE, **asked, "JobModifyIndex": job["ModifyIndex"], "Warnings": ""}


def deregister(state: State, name: str, *, is_purging: bool) -> Document:
    """Stop a job, or forget it altogether; a job that is not there is no error, as with Nomad."""
    existing = state.jobs.get(name)
    if existing is None:
        return {**_NOTHING_DONE, "VolumeEvalID": "", "VolumeEvalIndex": 0}
    evaluation = new_evaluation(name, "job-deregister", JobModifyIndex=state.index + 1)
    stopped = () if is_purging else (next_version(existing, {**existing, "Stop": True}),)
    commit = Commit(
        "JobDeregistered",
        jobs=stopped,
        evaluations=(evaluation,),
        purged=(name,) if is_purging else (),
    )
    stored = state.commit(commit)
    return _registered(stored, stored.index) | {"VolumeEvalID": "", "VolumeEvalIndex": 0}


def revert(state: State, name: str, body: Document) -> Document:
    """Register an older version again. Raises RefusalError."""
    existing = _existing(state, name, 500)
    number: int = body.get("JobVersion") or 0
    prior = body.get("EnforcePriorVersion")
    if prior is not None and prior != existing["Version"]:
        raise RefusalError(500, f"Current job has version {existing['Version']}; enforcing version {prior}")
    if number == existing["Version"]:
        raise RefusalError(500, "can't revert to current version")
    version = state.version(name, number)
    if version is None:
        raise RefusalError(500, f'job "{name}" in namespace "default" at version {number} not found')
    job = next_version(existing, {**version, "Stop": False, "SubmitTime": time.time_ns()})
    evaluation = new_evaluation(name, "job-register", JobModifyIndex=state.index + 1)
    commit = state.commit(Commit("JobRegistered", jobs=(job,), evaluations=(evaluation,)))
    return _registered(commit, commit.index) | {"Warnings": ""}


def scale(state: State, name: str, body: Document) -> Document:
    """Change a group's count, or only note an event where no count is given. Raises RefusalError."""
    group = fields(body.get("Target")).get("Group") or body.get("Group")
    existing = _existing(state, name)
    known = {one["Name"]: one["Count"] for one in existing["TaskGroups"]}
    if not group:
        raise RefusalError(400, "missing task group name for scaling action")
    if group not in known:
        raise RefusalError(400, f'task group "{group}" specified for scaling does not exist in job')
    count = body.get("Count")
    if count is not None and count < 0:
        raise RefusalError(400, "scaling action count can't be negative")
    if count is not None and (too_many := count_problems({**known, group: count}.values())):
        raise RefusalError(500, too_many[0])
    if count is not None and deployments.is_active(state.latest_deployment(name)):
        raise RefusalError(400, "job scaling blocked due to active deployment")
    if count is None:
        _note_scaling(state, name, group, _scaling(body, known[group], ""))
        noted = {"Index": state.index, "JobModifyIndex": existing["JobModifyIndex"], "KnownLeader": True}
        return {**_NOTHING_DONE, **noted, "Warnings": ""}
    groups = [{**one, "Count": count} if one["Name"] == group else one for one in existing["TaskGroups"]]
    job = next_version(existing, {**existing, "TaskGroups": groups, "Stable": False, "SubmitTime": time.time_ns()})
    evaluation = new_evaluation(name, "job-scaling", JobModifyIndex=state.index + 1)
    commit = state.commit(Commit("JobRegistered", jobs=(job,), evaluations=(evaluation,)))
    _note_scaling(state, name, group, _scaling(body, known[group], evaluation["ID"]))
    return _registered(commit, commit.index) | {"Warnings": ""}


def _scaling(body: Document, previous: int, evaluation: str) -> Document:
    return {
        "Count": body.get("Count"),
        "CreateIndex": 0,
        "Error": bool(body.get("Error")),
        "EvalID": evaluation or None,
        "Message": body.get("Message") or "",
        "Meta": body.get("Meta"),
        "PreviousCount": previous,
        "Time": time.time_ns(),
    }


def _note_scaling(state: State, name: str, group: str, event: Document) -> None:
    events = state.scalings.get(name, {})
    event = {**event, "CreateIndex": state.index}
    state.scalings[name] = {**events, group: [event, *events.get(group, [])][:20]}


def stop_allocation(state: State, allocation: Document, *, with_delay: bool) -> Document:
    """Stop one allocation; the job gets another in its stead."""
    transition = {**NO_TRANSITION, "Migrate": True, "NoShutdownDelay": not with_delay, "Reschedule": False}
    evaluation = new_evaluation(allocation["JobID"], "alloc-stop")
    changed = {**allocation, "DesiredTransition": transition}
    commit = Commit("AllocationUpdateDesiredStatus", allocations=(changed,), evaluations=(evaluation,))
    stored = state.commit(commit)
    return {"EvalID": evaluation["ID"], "Index": stored.index}


def _existing(state: State, name: str, status: int = 404) -> Document:
    if name not in state.jobs:
        raise RefusalError(status, f'job "{name}" not found')
    return state.jobs[name]


def set_stable(state: State, name: str, number: int, *, is_stable: bool) -> Document:
    """Mark a version as one to revert to. Raises RefusalError."""
    version = state.version(name, number)
    if version is None:
        raise RefusalError(500, f'job "{name}" in namespace "default" at version {number} not found')
    state.versions[name] = [{**one, "Stable": is_stable} if one is version else one for one in state.versions[name]]
    return {"Index": state.index}
