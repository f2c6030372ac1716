"""Every kind of SageMaker's that a lab can leave behind: stopped, waited for, deleted, and nobody else's touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from teardown.receipt import Receipt, Resource
from teardown.resource_types import RESOURCE_TYPES
from teardown.sagemaker import SageMakerSweep
from teardown.scaling import ScalingSweep
from teardown.scope import Scope
from tests.teardown.fake_sagemaker import TYPES, FakeSageMaker, client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OURS, OTHERS = {"bricklab:lab": "trap"}, {"bricklab:lab": "other"}
SCOPE = Scope(lab="trap", others=frozenset({"trap-two", "other"}))
DELETABLE = sorted(type_name for type_name, of in TYPES.items() if of.deletable or not of.status)
KEPT = sorted(TYPES.keys() - set(DELETABLE))
LOOKS = 50


@pytest.fixture
def account() -> Iterator[FakeSageMaker]:
    """An account with nothing in it."""
    made = FakeSageMaker()
    yield made
    made.close()


def swept(account: FakeSageMaker) -> Receipt:
    """Sweep to the end; the receipt."""
    receipt = Receipt()
    finish(SageMakerSweep(account.client, SCOPE, receipt, only_stackless=False).step)
    return receipt


def finish(step: Callable[[], list[Any]]) -> None:
    """Repeat a step until it waits for nothing."""
    for _ in range(LOOKS):
        if not step():
            return
    raise AssertionError(step())


@pytest.mark.parametrize("type_name", DELETABLE)
def test_each_kind_is_deleted_by_name_and_by_tag(account: FakeSageMaker, type_name: str) -> None:
    """In whatever state it was; the neighbours of the same kind, by name and by tag, stand as they stood."""
    account.add(type_name, "trap-ada-x")
    account.add(type_name, "Trap" if type_name == "Model" else "somebodys", tags=OURS)
    neighbours = [account.add(type_name, name) for name in ("trap-two-x", "trapeze", "another")]
    neighbours.append(account.add(type_name, "trap-x", tags=OTHERS))
    receipt = swept(account)
    assert account.items == neighbours
    assert receipt.clean
    assert len(receipt.deleted) == 2


@pytest.mark.parametrize("type_name", KEPT)
def test_jobs_that_stay_on_record_are_stopped(account: FakeSageMaker, type_name: str) -> None:
    """AWS has no Delete for them: they end, and the receipt expects their record."""
    job, other = account.add(type_name, "trap-ada-x"), account.add(type_name, "trap-two-x")
    receipt = swept(account)
    assert job.states[0].upper() == "STOPPED"
    assert other.states[-1].upper().replace("_", "") == "INPROGRESS"
    [remains] = receipt.remaining.values()
    assert remains.expected
    assert remains.resource.name == "trap-ada-x"
    assert receipt.clean
    assert not account.calls("Delete")


def test_a_model_package_group_goes_after_its_versions(account: FakeSageMaker) -> None:
    """Versions have no name and no tags but their group's, whether it is ours by its name or by its tag."""
    for group, tags in (("trap-ada-g", {}), ("somebodys", OURS)):
        account.add("ModelPackageGroup", group, tags=tags)
        for number in ("1", "2"):
            account.add("ModelPackage", number, group=group)
    kept = [account.add("ModelPackageGroup", "trap-x", tags=OTHERS), account.add("ModelPackage", "1", group="trap-x")]
    receipt = swept(account)
    assert account.items == kept
    assert Resource("model package", "model-package/somebodys/2") in receipt.deleted
    assert len(receipt.deleted) == 6


def test_a_pipeline_goes_after_its_executions(account: FakeSageMaker) -> None:
    """Those that run are stopped, and waited for; another lab's goes on."""
    for name in ("trap-ada-p", "trap-two-p"):
        account.add("Pipeline", name)
        account.executions[name] = ["Executing"]
    receipt = swept(account)
    assert [each.name for each in account.items] == ["trap-two-p"]
    assert account.executions["trap-two-p"] == ["Executing"]
    assert account.calls("Stop") == ["StopPipelineExecution"]
    assert receipt.deleted == [Resource("pipeline", "trap-ada-p")]


def test_an_endpoint_goes_before_its_config_and_model(account: FakeSageMaker) -> None:
    """And what hangs on it, a monitoring schedule or an inference component, before the endpoint."""
    for type_name in ("Model", "EndpointConfig", "Endpoint", "InferenceComponent", "MonitoringSchedule"):
        account.add(type_name, "trap-x")
    swept(account)
    deleted = list(dict.fromkeys(account.calls("Delete")))
    assert set(deleted[:2]) == {"DeleteMonitoringSchedule", "DeleteInferenceComponent"}
    assert deleted[2:] == ["DeleteEndpoint", "DeleteEndpointConfig", "DeleteModel"]


def test_what_a_stack_owns_is_left_to_it(account: FakeSageMaker) -> None:
    """A loose sweep deletes a student's model, and not the one that CloudFormation made."""
    account.add("Model", "trap-ada-x")
    owned = account.add("Model", "trap-x", tags={**OURS, "aws:cloudformation:stack-id": "arn:…"})
    finish(SageMakerSweep(account.client, SCOPE, Receipt(), only_stackless=True).step)
    assert account.items == [owned]


def test_versions_that_a_stack_forgot_go_before_its_group_does(account: FakeSageMaker) -> None:
    """CloudFormation retains what it replaces, and can't delete a group with a version in it."""
    owned = account.add("ModelPackageGroup", "trap", tags={**OURS, "aws:cloudformation:stack-id": "arn:…"})
    account.add("ModelPackage", "1", group="trap")
    receipt = Receipt()
    finish(SageMakerSweep(account.client, SCOPE, receipt, only_stackless=True).step)
    assert account.items == [owned]
    assert receipt.deleted == [Resource("model package", "model-package/trap/1")]


@pytest.mark.parametrize("operation", ["ListTransformJobs", "ListModels", "ListEndpoints"])
def test_what_cannot_be_looked_at_is_named(account: FakeSageMaker, operation: str) -> None:
    """A receipt with a blind spot is not clean, and everything else is swept all the same."""
    account.codes[operation] = ["AccessDeniedException: not you"]
    account.add("TrainingJob", "trap-x")
    receipt = swept(account)
    assert not receipt.clean
    [(kind, why)] = receipt.unseen.items()
    assert kind.replace(" ", "") == operation.removeprefix("List").removesuffix("s").lower()
    assert "not you" in why
    assert not account.items


def test_what_may_not_be_deleted_is_named(account: FakeSageMaker) -> None:
    """Once, with AWS's words, and without waiting for it."""
    account.codes["DeleteModel"] = ["AccessDeniedException: not you"]
    account.add("Model", "trap-x")
    receipt = swept(account)
    assert not receipt.clean
    assert "not you" in receipt.remaining[Resource("model", "trap-x")].why
    assert account.calls("Delete") == ["DeleteModel"]


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalFailure", "ServiceUnavailable"])
@pytest.mark.parametrize("operation", ["ListEndpoints", "ListTags", "GetResources", "DeleteEndpoint"])
def test_too_many_calls_cost_time_and_nothing_else(account: FakeSageMaker, operation: str, code: str) -> None:
    """What could not be listed for a while is not taken for gone: its config outlives it."""
    account.codes[operation] = [code, code, ""]
    for type_name in ("Endpoint", "EndpointConfig"):
        account.add(type_name, "trap-x")
    receipt = swept(account)
    assert not account.items
    assert receipt.clean
    deleted = account.calls("Delete")
    assert deleted == [*(["DeleteEndpoint"] * (len(deleted) - 1)), "DeleteEndpointConfig"]


def test_tags_that_cannot_be_read_for_now_are_not_taken_for_none(account: FakeSageMaker) -> None:
    """Else what another lab has tagged would go by its name."""
    account.codes["ListTags"] = ["ThrottlingException", ""]
    other = account.add("Model", "trap-x", tags=OTHERS)
    assert swept(account).clean
    assert account.items == [other]


def test_what_vanishes_meanwhile_is_gone(account: FakeSageMaker) -> None:
    """Somebody else may delete it between two calls."""
    account.codes["DeleteModel"] = ["ValidationException: Could not find model", ""]
    account.add("Model", "trap-x")
    account.codes["ListTags"] = ["ValidationException: Could not find it", ""]
    account.add("Endpoint", "trap-x", states=("InService",))
    assert swept(account).clean


def test_a_notebook_instance_goes_after_its_maintenance(account: FakeSageMaker) -> None:
    """Stopping it is tried while its maintenance is pending, waited for while that is under way, and then done."""
    account.add("NotebookInstance", "trap-ada", states=("PendingMaintenance", "InMaintenance", "InService"))
    assert swept(account).clean
    assert not account.items
    assert account.calls("Stop") == ["StopNotebookInstance"] * 2


def test_a_kind_that_the_region_has_not_got_leaves_nothing(account: FakeSageMaker) -> None:
    """Its listing is refused as unknown, and the receipt is clean."""
    account.codes["ListInferenceComponents"] = ["UnknownOperationException: what?"]
    assert swept(account).clean


def test_scaling_is_called_off_by_the_tags_of_what_is_scaled(account: FakeSageMaker) -> None:
    """The lab's targets go; an endpoint's that is another lab's by its tag, or by its name, stays scaled."""
    account.add("Endpoint", "trap-x", tags=OTHERS)
    account.add("Endpoint", "somebodys", tags=OURS)
    account.add("InferenceComponent", "trap-ada-c")
    count, copies = "sagemaker:variant:DesiredInstanceCount", "sagemaker:inference-component:DesiredCopyCount"
    kept = [(f"endpoint/{name}/variant/v", count) for name in ("trap-x", "trap-two", "trapeze")]
    gone = [(f"endpoint/{name}/variant/v", count) for name in ("trap", "trap-ada-deleted", "somebodys")]
    account.targets = [*gone, *kept, ("inference-component/trap-ada-c", copies)]
    receipt = Receipt()
    finish(ScalingSweep(account.client, SCOPE, receipt).step)
    assert account.targets == kept
    assert len(receipt.deleted) == 4


@pytest.mark.parametrize("kind", RESOURCE_TYPES, ids=lambda kind: kind.noun)
def test_every_state_is_stopped_settled_or_passing(kind: Any) -> None:
    """A state that is none of them would be waited for until patience ends."""
    meta = client("sagemaker").meta
    output = meta.service_model.operation_model(meta.method_to_api_mapping[kind.list_operation])
    states = set(output.output_shape.members[kind.summaries].member.members[kind.status].enum) if kind.status else set()
    passing = states - kind.stoppable - (kind.deletable or set())
    assert all(state.upper().endswith(("ING", "INGBACK", "PROGRESS", "MAINTENANCE")) for state in passing)


def test_the_function_may_do_what_the_types_need_and_nothing_else() -> None:
    """Its policy in SageMaker is the operations of the table of kinds, reading tags, and ending warm pools."""
    operations = client("sagemaker").meta.method_to_api_mapping
    needed = {"ListTags", "UpdateTrainingJob", "ListPipelineExecutions", "StopPipelineExecution"}
    for kind in RESOURCE_TYPES:
        needed.add(operations[kind.list_operation])
        needed |= {operations[f"stop_{kind.noun}"]} if kind.stoppable else set()
        needed |= set() if kind.record_kept else {operations[f"delete_{kind.noun}"]}
    from infra.constructs import teardown_policy

    allowed = {action for each in teardown_policy.statements("trap") for action in each["Action"]}
    assert {action.partition(":")[2] for action in allowed if action.startswith("sagemaker:")} == needed
