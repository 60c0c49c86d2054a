"""A plan that changes nothing: the difference, the numbers per group, what could not be placed (pure)."""

from __future__ import annotations

from outrider_embedded.scheduler.change import is_changed, is_destructive
from outrider_embedded.scheduler.decision import Updates
from outrider_embedded.scheduler.difference import job_diff
from outrider_embedded.scheduler.documents import Document, rows
from outrider_embedded.scheduler.evaluation import blocked, new_evaluation
from outrider_embedded.scheduler.evaluator import Evaluator, plan_numbers
from outrider_embedded.scheduler.planning import failures
from outrider_embedded.scheduler.reconcile import decisions
from outrider_embedded.scheduler.state import State
from outrider_embedded.scheduler.validation import warnings
from outrider_embedded.scheduler.watcher import next_version


def dry_run(state: State, evaluator: Evaluator, job: Document, *, with_diff: bool) -> Document:
    """``/v1/job/:id/plan`` of a canonical, valid job."""
    existing = state.jobs.get(job["ID"])
    planned = _planned(state, existing, job)
    world = evaluator.world(job["ID"], candidate=planned)
    decided = decisions(world) if world else None
    ground = evaluator.ground(planned, new_evaluation(job["ID"], "job-register"))
    failed = failures(decided, ground) if decided else {}
    index = existing["JobModifyIndex"] if existing else 0
    diff = _annotated(existing, job, decided.updates if decided else {}) if with_diff else None
    evaluation = {**ground.evaluation, "JobModifyIndex": state.index + 1}
    return {
        "Annotations": plan_numbers(decided) if decided else None,
        "CreatedEvals": [blocked(evaluation, failed, ground.node)] if failed else None,
        "Diff": diff,
        "FailedTGAllocs": failed or None,
        "Index": index,
        "JobModifyIndex": index,
        "NextPeriodicLaunch": None,
        "Warnings": warnings(job),
    }


def _planned(state: State, existing: Document | None, job: Document) -> Document:
    """The job as it would be stored."""
    if existing is not None and not is_changed(existing, job):
        return existing
    index = state.index + 1
    stored = next_version(existing, job) if existing else job
    return {**stored, "JobModifyIndex": index, "ModifyIndex": index, "CreateIndex": stored["CreateIndex"] or index}


def _annotated(existing: Document | None, job: Document, updates: dict[str, Updates]) -> Document:
    diff = job_diff(existing, job, is_contextual=True)
    for group in diff["TaskGroups"]:
        if group["Name"] in updates:
            group["Updates"] = update_words(updates[group["Name"]]) or None
        for field in rows(group["Fields"]):
            if field["Name"] == "Count":
                field["Annotations"] = _count_note(field)
        for task in rows(group["Tasks"]):
            task["Annotations"] = _task_note(existing, job, group, task)
    return diff


def update_words(updates: Updates) -> dict[str, int]:
    """The numbers that are not 0, under the words that Nomad's tools show."""
    words = {
        "ignore": updates.ignore,
        "create": updates.place,
        "migrate": updates.migrate,
        "destroy": updates.stop,
        "in-place update": updates.in_place,
        "create/destroy update": updates.destructive,
        "canary": updates.canary,
    }
    return {word: number for word, number in words.items() if number}


def _count_note(field: Document) -> list[str]:
    return ["forces create" if int(field["New"] or 0) > int(field["Old"] or 0) else "forces destroy"]


def _task_note(existing: Document | None, job: Document, group: Document, task: Document) -> list[str] | None:
    if task["Type"] == "None":
        return None
    if task["Type"] == "Added":
        return ["forces create"] if group["Type"] == "Added" else ["forces create/destroy update"]
    if task["Type"] == "Deleted":
        return ["forces destroy"] if group["Type"] == "Deleted" else ["forces create/destroy update"]
    forces_new = existing is not None and is_destructive(existing, job, group["Name"])
    return ["forces create/destroy update" if forces_new else "forces in-place update"]
