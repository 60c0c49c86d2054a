"""Values of another type than Nomad's API has: refused by the embedded and the real Nomad, in the same words."""

from __future__ import annotations

import pytest
from outrider_harness.nomad_calls import NomadCalls

INTO = "json: cannot unmarshal"
FIELD = "into Go struct field"
GROUP = '{"Job":{"ID":"a","TaskGroups":[{"Name":"g",%s}]}}'
TASK = GROUP % '"Tasks":[{"Name":"t",%s}]'
SERVICE = GROUP % '"Services":[{%s}]'

REGISTRATIONS = [
    ("5", f"{INTO} number into Go value of type api.JobRegisterRequest"),
    ("[]", f"{INTO} array into Go value of type api.JobRegisterRequest"),
    ("null", "Job must be specified"),
    ('{"Job":null}', "Job must be specified"),
    ('{"Job":5}', f"{INTO} number {FIELD} JobRegisterRequest.Job of type api.Job"),
    ('{"Job":{"ID":5}}', f"{INTO} number {FIELD} Job.Job.ID of type string"),
    ('{"Job":{"id":"x","ID":{}}}', f"{INTO} object {FIELD} Job.Job.ID of type string"),
    ('{"Job":{"id":true}}', f"{INTO} bool {FIELD} Job.Job.ID of type string"),
    ('{"Job":{"ID":"a","AllAtOnce":"yes"}}', f"{INTO} string {FIELD} Job.Job.AllAtOnce of type bool"),
    ('{"Job":{"ID":"a","AllAtOnce":1}}', f"{INTO} number {FIELD} Job.Job.AllAtOnce of type bool"),
    ('{"Job":{"ID":"a","Priority":true}}', f"{INTO} bool {FIELD} Job.Job.Priority of type int"),
    ('{"Job":{"ID":"a","Meta":{"a":5}}}', f"{INTO} number {FIELD} Job.Job.Meta of type string"),
    ('{"Job":{"ID":"a","Meta":["a"]}}', f"{INTO} array {FIELD} Job.Job.Meta of type map[string]string"),
    ('{"Job":{"ID":"a","Datacenters":"dc1"}}', f"{INTO} string {FIELD} Job.Job.Datacenters of type []string"),
    ('{"Job":{"ID":"a","Datacenters":[1]}}', f"{INTO} number {FIELD} Job.Job.Datacenters of type string"),
    ('{"Job":{"ID":"a","TaskGroups":5}}', f"{INTO} number {FIELD} Job.Job.TaskGroups of type []*api.TaskGroup"),
    ('{"Job":{"ID":"a","TaskGroups":[5]}}', f"{INTO} number {FIELD} Job.Job.TaskGroups of type api.TaskGroup"),
    (GROUP % '"Count":"x"', f"{INTO} string {FIELD} TaskGroup.Job.TaskGroups.Count of type int"),
    (GROUP % '"Count":1.5', f"{INTO} number 1.5 {FIELD} TaskGroup.Job.TaskGroups.Count of type int"),
    (GROUP % '"Volumes":{"v":5}', f"{INTO} number {FIELD} TaskGroup.Job.TaskGroups.Volumes of type api.VolumeRequest"),
    (
        GROUP % '"Update":{"MinHealthyTime":"10s"}',
        f"{INTO} string {FIELD} UpdateStrategy.Job.TaskGroups.Update.MinHealthyTime of type time.Duration",
    ),
    (
        GROUP % '"Networks":[{"DynamicPorts":[{"Label":5}]}]',
        f"{INTO} number {FIELD} Port.Job.TaskGroups.Networks.DynamicPorts.Label of type string",
    ),
    (TASK % '"Config":5', f"{INTO} number {FIELD} Task.Job.TaskGroups.Tasks.Config of type map[string]interface {{}}"),
    (TASK % '"Env":{"A":true}', f"{INTO} bool {FIELD} Task.Job.TaskGroups.Tasks.Env of type string"),
    (
        TASK % '"Resources":{"CPU":"5"}',
        f"{INTO} string {FIELD} Resources.Job.TaskGroups.Tasks.Resources.CPU of type int",
    ),
    (
        SERVICE % '"Checks":[{"Interval":"x"}]',
        f"{INTO} string {FIELD} ServiceCheck.Job.TaskGroups.Services.Checks.Interval of type time.Duration",
    ),
    (
        SERVICE % '"Checks":[{"Header":{"a":"b"}}]',
        f"{INTO} string {FIELD} ServiceCheck.Job.TaskGroups.Services.Checks.Header of type []string",
    ),
    ('{"Job":{"ID":"a"},"EnforceIndex":"y"}', f"{INTO} string {FIELD} JobRegisterRequest.EnforceIndex of type bool"),
    (
        '{"Job":{"ID":"a"},"JobModifyIndex":-1}',
        f"{INTO} number -1 {FIELD} JobRegisterRequest.JobModifyIndex of type uint64",
    ),
    ('{"Job":{"ID":1},"EnforceIndex":2}', f"{INTO} number {FIELD} Job.Job.ID of type string"),
    ('{"EnforceIndex":2,"Job":{"ID":1}}', f"{INTO} number {FIELD} JobRegisterRequest.EnforceIndex of type bool"),
]
OTHERS = [
    ("/v1/job/a/plan", '{"Diff":1}', f"{INTO} number {FIELD} JobPlanRequest.Diff of type bool"),
    ("/v1/validate/job", '{"Job":[]}', f"{INTO} array {FIELD} JobValidateRequest.Job of type api.Job"),
    ("/v1/job/a/scale", '{"Count":"2"}', f"{INTO} string {FIELD} ScalingRequest.Count of type int64"),
    ("/v1/job/a/revert", '{"JobVersion":"2"}', f"{INTO} string {FIELD} JobRevertRequest.JobVersion of type uint64"),
    ("/v1/job/a/stable", '{"Stable":1}', f"{INTO} number {FIELD} JobStabilityRequest.Stable of type bool"),
    ("/v1/deployment/promote/x", '{"All":1}', f"{INTO} number {FIELD} DeploymentPromoteRequest.All of type bool"),
    ("/v1/deployment/pause/x", '{"Pause":1}', f"{INTO} number {FIELD} DeploymentPauseRequest.Pause of type bool"),
]


class TestWrongTypes:
    """Go's decoder names the first field that does not fit, in the order of the text."""

    @pytest.mark.parametrize(("text", "said"), REGISTRATIONS)
    async def test_a_job_with_a_value_of_another_type_is_refused(self, calls: NomadCalls, text: str, said: str) -> None:
        answer = await calls.nomad.post("/v1/jobs", content=text)
        assert (answer.status_code, answer.text) == (400, said)

    @pytest.mark.parametrize(("path", "text", "said"), OTHERS)
    async def test_so_is_any_other_request(self, calls: NomadCalls, path: str, text: str, said: str) -> None:
        answer = await calls.nomad.post(path, content=text)
        assert (answer.status_code, answer.text) == (400, said)
