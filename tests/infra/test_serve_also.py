"""What `lab.serve_also` adds to the templates."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import pytest

from infra import function_package
from infra.function_package import PackageError
from tests.infra.templates import actions, of_kind, only

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesise
    from tests.infra.templates import Template

    Stacks = dict[str, Template]

MODEL_CODE = Path(function_package.__file__).parents[1] / "model_code"


@pytest.fixture(scope="module")
def stacks(synthesise: Synthesise) -> Stacks:
    """The templates of a lab that serves in a function and on devices."""
    return synthesise(seats=["ada"], serve_also=["lambda", "edge"])


def test_by_default_nothing_else_serves(templates: dict[str, dict[str, Any]]) -> None:
    """No function's URL and no component is in any template."""
    kinds = {each["Type"] for template in templates.values() for each in template["Resources"].values()}
    assert not kinds & {"AWS::Lambda::Url", "AWS::GreengrassV2::ComponentVersion"}


def test_the_function_has_a_url_for_those_who_may(stacks: Stacks) -> None:
    """IAM is asked; its role reads artifacts, and with the lab's key; its model is the one that the endpoint serves."""
    template = stacks["bricklab-endpoint"]
    assert only(template, "AWS::Lambda::Url")[1]["AuthType"] == "AWS_IAM"
    assert not of_kind(template, "AWS::Lambda::Permission")
    functions = of_kind(template, "AWS::Lambda::Function").values()
    [made] = [each for each in functions if each.get("FunctionName") == "bricklab-model"]
    assert (made["Runtime"], made["Architectures"]) == ("python3.12", ["x86_64"])
    _, model = only(template, "AWS::SageMaker::Model")
    assert made["Environment"]["Variables"]["MODEL_ARTIFACT"] == model["PrimaryContainer"]["ModelDataUrl"]
    [policy] = of_kind(template, "AWS::IAM::Role")[made["Role"]["Fn::GetAtt"][0]]["Policies"]
    allowed = {action for statement in policy["PolicyDocument"]["Statement"] for action in actions(statement)}
    assert allowed == {"logs:CreateLogStream", "logs:PutLogEvents", "s3:GetObject", "kms:Decrypt"}


def test_a_student_may_ask_the_function(stacks: Stacks) -> None:
    """By its URL, and that one alone."""
    statements = [
        statement
        for role in of_kind(stacks["bricklab-seat-ada"], "AWS::IAM::Role").values()
        for policy in role.get("Policies", ())
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    assert ("Allow", ["lambda:InvokeFunctionUrl"]) in [(each["Effect"], actions(each)) for each in statements]


def test_the_component_is_another_version_for_another_model_or_code(stacks: Stacks) -> None:
    """Its version has a hash of the code, and what names the training job behind the lab's name."""
    _, component = only(stacks["bricklab-endpoint"], "AWS::GreengrassV2::ComponentVersion")
    text = json.dumps(component["InlineRecipe"])
    assert "1.0.0-c" in text
    assert '"Fn::Split": ["training/bricklab-"' in text
    assert "{artifacts:path}/model.tar.gz" in text


def test_the_package_has_the_code_and_what_it_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made once for the same code; tests, headers and stubs of packages are left out."""
    calls = []

    def uv(command: list[str], **_how: Any) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        target = command[command.index("--target") + 1]
        for name in ("numpy/__init__.py", "numpy/tests/test.py", "numpy/a.pyi", "numpy/_core/include/n.h"):
            file = Path(target) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(name)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", uv)
    made = [function_package.ensure(MODEL_CODE, cache=tmp_path / "cache") for _ in range(2)]
    assert made[0] == made[1]
    assert len(calls) == 1
    assert "--require-hashes" in calls[0]
    with ZipFile(made[0]) as archive:
        assert set(archive.namelist()) == {
            "numpy/__init__.py",
            "lambda_function.py",
            *function_package.SERVED,
        }


def test_a_package_index_that_is_away_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What uv says, and what to do."""
    failed = subprocess.CompletedProcess([], 2, "", "error: Request failed\n  Caused by: no network\n")
    monkeypatch.setattr(subprocess, "run", lambda *_command, **_how: failed)
    with pytest.raises(PackageError, match=r"^lab\.serve_also has 'lambda', [^\n]*no network[^\n]*try again\.$"):
        function_package.ensure(MODEL_CODE, cache=tmp_path)
