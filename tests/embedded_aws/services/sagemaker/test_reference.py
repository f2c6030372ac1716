"""docs/embedded-aws.md and the declarations it is made from: every member is declared, and refused where it says so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore import xform_name

from cli import paths
from embedded_aws.services.sagemaker import api, reference, runtime_api, search
from embedded_aws.services.sagemaker.errors import ServiceError
from embedded_aws.services.sagemaker.resource_types import RESOURCE_TYPES, members
from tests.embedded_aws.services.sagemaker import calls, samples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.model import Shape

    from embedded_aws.services.sagemaker.resource_types import ResourceType
    from embedded_aws.services.sagemaker.resource_types.members import Members
    from embedded_aws.services.sagemaker.service import SageMaker

REQUESTS = [
    (resource_type.operation(verb), resource_type.members[verb])
    for resource_type in RESOURCE_TYPES.values()
    for verb in resource_type.members
]


def differences(shape: Shape, declared: Members, path: str = "") -> Iterator[str]:
    """Yield members that only one of the model and the declaration has, down to the last."""
    inner: Any = samples.element(shape)
    yield from (f"{path}{name}" for name in inner.members.keys() ^ declared.keys())
    for name, support in declared.items():
        below = samples.element(inner.members[name]) if name in inner.members else None
        if isinstance(support, Mapping):
            if below is not None:
                yield from differences(below, support, f"{path}{name}.")
        elif below is not None and below.type_name == "structure" and support.level != members.REFUSED.level:
            yield f"{path}{name} is a structure: declare its members"


def refused() -> Iterator[tuple[str, str]]:
    """Yield every member that is declared as refused, and its operation."""
    for operation, declared in REQUESTS:
        yield from (
            (operation, path)
            for path, support in reference.flattened(declared)
            if support.level == members.REFUSED.level
        )


def test_the_page_is_up_to_date() -> None:
    """docs/embedded-aws.md is what the code says now."""
    assert (paths.ROOT / "docs" / "embedded-aws.md").read_text() == reference.page()


def test_requests_that_are_declared() -> None:
    """Each resource type declares its Create or Start and, where it has any, its updates; a version is refused too."""
    wanted = {
        resource_type.operation(verb)
        for resource_type in RESOURCE_TYPES.values()
        for verb in resource_type.verbs
        if verb.startswith(("Create", "Update", "Put", "Start{}")) and verb != "CreatePresigned{}Url"
    }
    assert {operation for operation, _ in REQUESTS} == {*wanted, "DescribePipeline", "RenderUiTemplate"}


@pytest.mark.parametrize(("operation", "declared"), REQUESTS, ids=[operation for operation, _ in REQUESTS])
def test_every_member_is_classified(operation: str, declared: Members) -> None:
    """The declaration has the model's members, all of them and no other: a new botocore's would be noticed here."""
    shape = api.operation_model(operation).input_shape
    assert shape
    assert [*differences(shape, declared)] == []


def test_every_member_of_an_invocation_is_classified() -> None:
    """InvokeEndpoint's declaration has the members of botocore's model, all of them and no other."""
    shape = botocore.session.get_session().get_service_model("sagemaker-runtime").operation_model("InvokeEndpoint")
    assert shape.input_shape
    assert [*differences(shape.input_shape, runtime_api.INVOKE_ENDPOINT)] == []


def test_every_member_of_a_search_is_classified() -> None:
    """Search's declaration has the members of botocore's model; an expression within an expression has the same."""
    shape = api.operation_model(api.SEARCH).input_shape
    assert shape
    within = "SearchExpression.SubExpressions is a structure: declare its members"
    assert [*differences(shape, search.MEMBERS)] == [within]


def test_what_is_refused(empty: SageMaker) -> None:
    """A request that has a refused member, and else what is needed, is refused, and the sentence has its path."""
    places = [*refused()]
    assert places
    for operation, path in places:
        shape = api.operation_model(operation).input_shape
        assert shape
        request = samples.with_path(shape, path.split("."))
        with pytest.raises(ServiceError, match="The embedded AWS does not offer") as caught:
            empty.call(operation, request, account="000000000000", region="us-east-1")
        last = path.rpartition(".")[2]
        assert last in caught.value.message, (operation, path)
        assert caught.value.code == "ValidationException"


class Recorder:
    """A client that keeps the request of the last call, and says that everything is there."""

    request: dict[str, Any]

    def __getattr__(self, _operation: str) -> Any:
        def keep(**request: Any) -> dict[str, Any]:
            self.request = request
            return defaultdict(lambda: ["there"])

        return keep


def recorded(resource_type: ResourceType) -> Iterator[list[str]]:
    """Yield the paths of the members that a Create only records."""
    for path, support in reference.flattened(resource_type.members["Create"]):
        if support.level == members.RECORDED.level:
            yield path.split(".")


def told(value: Any, path: list[str]) -> Any:
    """Return the value at a path, in the first of each list."""
    for name in path:
        value = value[name]
        while isinstance(value, list) and value:
            value = value[0]
    return value


@pytest.mark.parametrize(
    "resource_type",
    [each for each in RESOURCE_TYPES.values() if xform_name(each.name) in calls.CREATE],
    ids=lambda each: each.name,
)
def test_what_is_recorded_is_told_again(sagemaker: Any, resource_type: ResourceType) -> None:
    """Describe answers each member that is only recorded as it was given."""
    name, recorder = xform_name(resource_type.name), Recorder()
    calls.CREATE[name](sagemaker, "first")
    calls.CREATE[name](recorder, "mine")
    request = recorder.request
    shape = api.operation_model(resource_type.operation("Create")).input_shape
    for path in recorded(resource_type):
        if not ("PrimaryContainer" in request and path[0] == "Containers"):
            samples.put(shape, request, path)
    getattr(sagemaker, f"create_{name}")(**request)
    described = getattr(sagemaker, f"describe_{name}")(**{resource_type.name_member: "mine"})
    for path in recorded(resource_type):
        if path[0] in request:
            there = [resource_type.renamed.get(path[0], path[0]), *path[1:]]
            assert told(described, there) == told(request, path), path
