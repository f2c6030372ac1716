"""The rooms of the house, and the one direction in which imports run."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# package -> what of ours it may import. A name covers everything below it.
ALLOWED = {
    "infra/roster": set(),
    "infra/seats": {"infra.roster"},
    "infra/lease_term": set(),
    "infra/rollout": set(),
    "infra/instance_range": set(),
    "infra/containers": set(),
    "infra/function_package": set(),
    "infra/regions": set(),
    "infra/algorithm_registries": set(),
    "infra/rest": set(),
    "infra/web": set(),
    # The labels stand with the network that has them, and import nothing.
    "infra/openapi": {"infra.rest", "model_code.data"},
    "infra/algorithms": {"infra.algorithm_registries", "infra.containers"},
    # The table of hyperparameters stands with the script that they are for, and imports nothing.
    "infra/settings": {
        "infra.algorithms",
        "infra.instance_range",
        "infra.lease_term",
        "infra.rollout",
        "infra.seats",
        "model_code.data",
        "model_code.hyperparameters",
    },
    "infra/constructs": {
        "infra.algorithms",
        "infra.lease_term",
        "infra.rollout",
        "infra.settings",
        "infra.algorithm_registries",
        "infra.constructs",
        "infra.containers",
        "infra.openapi",
        "infra.function_package",
        "infra.region_check",
        "infra.regions",
        "infra.rest",
        "infra.web",
        "teardown.logs",
        "teardown.names",
        "teardown.resource_types",
    },
    "infra/stacks": {
        "infra.algorithms",
        "infra.region_check",
        "infra.regions",
        "infra.settings",
        "infra.constructs",
        "infra.stacks",
        "teardown.names",
    },
    "infra/composition": {
        "datasets",
        "infra.constructs",
        "infra.function_package",
        "infra.settings",
        "infra.stacks",
        "labelling.archive",
        "teardown.names",
    },
    "infra/handlers": {"infra.handlers", "teardown"},
    "teardown": {"teardown"},
    "pages": {"embedded_aws.labelling_page", "pages"},
    # It runs on a seat's notebook instance too, where nothing else of ours is.
    "labelling": {"embedded_aws.labelling_page", "labelling", "model_code.data", "pages", "teardown"},
    "model_code": set(),
    "datasets": {"datasets"},
    "embedded_aws": {"embedded_aws"},
    "embedded_aws/runtime": {"embedded_aws.botocore_models", "embedded_aws.runtime", "embedded_aws.proxies"},
    "embedded_aws/warmstart": {"embedded_aws.runtime.process"},
    "embedded_aws/serving": {"embedded_aws.serving", "embedded_aws.runtime.requirements"},
    "embedded_aws/algorithms": {"embedded_aws.algorithms", "embedded_aws.serving.app"},
    # What the control plane reads too: its Python has neither XGBoost nor NumPy's friends.
    "embedded_aws/algorithms/xgboost/hyperparameters": {"embedded_aws.algorithms"},
    "embedded_aws/algorithms/xgboost/metrics": set(),
    "embedded_aws/botocore_models": set(),
    "embedded_aws/database": set(),
    "embedded_aws/documents": set(),
    "embedded_aws/json_schemas": set(),
    "embedded_aws/labelling_page": set(),
    "embedded_aws/serialization": set(),
    "embedded_aws/streamed": set(),
    "embedded_aws/patches": {
        "embedded_aws.aws_names",
        "embedded_aws.botocore_models",
        "embedded_aws.database",
        "embedded_aws.faults",
        "embedded_aws.json_schemas",
        "embedded_aws.patches",
        "embedded_aws.serialization",
        "embedded_aws.services.cloudformation_types",
        "embedded_aws.services.sagemaker.clock",
        "embedded_aws.services.sagemaker.events",
        "embedded_aws.services.sagemaker.metrics.datum",
        "embedded_aws.services.task_integrations",
        "embedded_aws.storage",
        "embedded_aws.streamed",
    },
    "embedded_aws/storage": {"embedded_aws.storage", "embedded_aws.database"},
    "embedded_aws/services": {
        "embedded_aws.algorithms",
        "embedded_aws.botocore_models",
        "embedded_aws.database",
        "embedded_aws.documents",
        "embedded_aws.faults",
        "embedded_aws.json_schemas",
        "embedded_aws.labelling_page",
        "embedded_aws.proxies",
        "embedded_aws.runtime",
        "embedded_aws.serialization",
        "embedded_aws.services",
        "embedded_aws.settings",
        "embedded_aws.streamed",
        "embedded_aws.warmstart",
    },
    "embedded_aws/services/sagemaker/resource_types": {
        "embedded_aws.services.sagemaker.errors",
        "embedded_aws.services.sagemaker.resource_types",
    },
    "bench": {
        "bench",
        "cli",
        "datasets",
        "embedded_aws.database",
        "embedded_aws.gateway",
        "embedded_aws.runtime.container",
        "embedded_aws.runtime.images",
        "infra.containers",
        "infra.function_package",
        "infra.handlers.served_model.asynchronous",
        "infra.region_check",
        "infra.regions",
        "infra.settings",
        "labelling",
        "teardown.names",
    },
    "cli": {
        "cli",
        "datasets",
        "infra.algorithm_registries",
        "infra.algorithms",
        "embedded_aws.gateway",
        "embedded_aws.runtime.images",
        "embedded_aws.runtime.installed_images",
        "embedded_aws.runtime.interpreters",
        "embedded_aws.shell",
        "infra.containers",
        "infra.function_package",
        "infra.handlers.served_model.artifact",
        "infra.handlers.served_model.asynchronous",
        "teardown",
        "infra.lease_term",
        "infra.region_check",
        "infra.regions",
        "infra.rest",
        "infra.roster",
        "infra.seats",
        "infra.settings",
        "infra.web",
        "labelling",
        "model_code.data",
        "model_code.hyperparameters",
        "pages",
    },
    "cli/ui": {"cli.paths", "cli.ui"},
    "cli/aws": {
        "cli.aws",
        "cli.embedded",
        "cli.lifecycle",
        "cli.paths",
        "cli.programs",
        "cli.settings",
        "cli.ui",
        "embedded_aws.gateway",
        "infra.handlers.served_model.artifact",
        "infra.handlers.served_model.asynchronous",
        "infra.rest",
        "infra.seats",
        "infra.settings",
        "labelling",
        "model_code.data",
        "model_code.hyperparameters",
        "teardown",
    },
    "cli/checks": {
        "cli.aws",
        "cli.checks",
        "cli.paths",
        "embedded_aws.runtime.images",
        "embedded_aws.runtime.interpreters",
        "infra.algorithm_registries",
        "infra.algorithms",
        "infra.containers",
        "infra.function_package",
        "infra.region_check",
        "infra.regions",
        "infra.settings",
        "infra.web",
        "teardown",
    },
    "cli/security": {
        "cli.embedded.IMAGES",
        "cli.paths",
        "cli.programs",
        "cli.security",
        "cli.ui",
        "embedded_aws.runtime.images",
        "teardown.names",
    },
}
# Files that touch sys.path, and why nothing else does what they need.
SYS_PATH = {
    "embedded_aws/algorithms/__main__.py": "an image's packages must not be hidden by ours of the same name",
    "embedded_aws/serving/__main__.py": "a model's code must not find our package on its path",
    "embedded_aws/serving/imports.py": "only reads it: which packages the model's process finds, and where",
    "embedded_aws/serving/multi_model.py": "AWS's container puts each model's code/lib on it",
    "embedded_aws/serving/server.py": "AWS's container puts the model's code/ and code/lib on it",
    "embedded_aws/serving/toolkits/__main__.py": "a model's code must not find our package on its path",
    "embedded_aws/serving/toolkits/worker.py": "AWS's containers put the code's folder on it",
    "embedded_aws/warmstart/script.py": "it becomes the Python of a job that has begun already",
    "bench/prepare.py": "model_code is a source directory of flat modules, as SageMaker unpacks it",
}
OURS = {
    "app",
    "bench",
    "cli",
    "datasets",
    "embedded_aws",
    "infra",
    "labelling",
    "model_code",
    "pages",
    "teardown",
    "tests",
}


@cache
def imports(path: Path) -> frozenset[str]:
    """The modules that a file imports, with `from a import b` as both `a` and `a.b`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def files(place: str) -> list[Path]:
    """The Python files of a package, or the one file of a module."""
    module = ROOT / f"{place}.py"
    return [module] if module.exists() else sorted((ROOT / place).rglob("*.py"))


@pytest.mark.parametrize("place", ALLOWED)
def test_imports_run_one_way(place: str) -> None:
    """A package imports, of ours, only what lies before it in the design's direction."""
    assert files(place)
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files(place)
        for name in imports(path)
        if name.split(".")[0] in OURS
        and not any(name == allowed or name.startswith(f"{allowed}.") for allowed in ALLOWED[place])
    }
    assert not wrong


def test_there_is_no_circle() -> None:
    """No module, of whichever package, needs itself: an import at run time, for types, or within a function counts."""
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for place in sorted(OURS - {"app", "tests"})
        for path in files(place)
    }
    needs: dict[str, set[str]] = {}
    for module, path in modules.items():
        names = imports(path)
        if module.startswith("model_code."):
            names = frozenset(
                f"model_code.{name}" for name in names
            )  # they import each other as a source directory's files do
        # `from a import b` needs the module a.b if there is one, and else what a itself says.
        found = {name if name in modules else name.rpartition(".")[0] for name in names}
        needs[module] = (found & modules.keys()) - {module}
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        pytest.fail(f"{' -> '.join(error.args[1])}", pytrace=False)


def test_the_types_of_the_cdk_are_checked_where_it_is_used() -> None:
    """Types are looked up in those modules of the CDK that somebody imports, and in no other: it takes minutes."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]["overrides"]
    [listed] = [each["module"] for each in settings if each.get("follow_imports") == "normal"]
    used = {name for place in ("infra", "tests", "bench", "app") for path in files(place) for name in imports(path)}
    modules = {".".join(name.split(".")[:2]) for name in used if re.match(r"aws_cdk\.[a-z]", name)}
    assert sorted({"aws_cdk", *modules}) == sorted(listed)


def test_nobody_tampers_with_sys_path() -> None:
    """What is imported is found where packages are installed; the exceptions have their reasons."""
    touching = {
        str(path.relative_to(ROOT))
        for place in OURS - {"app", "tests"}
        for path in files(place)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "path" and ast.unparse(node) == "sys.path"
    }
    assert touching == SYS_PATH.keys()


def test_only_patches_touches_ministack() -> None:
    """Ministack's internals are reached through one package, so that a new release breaks in one place."""
    touching = {
        path.parent.name for path in files("embedded_aws") if any(n.startswith("ministack") for n in imports(path))
    }
    assert touching == {"patches"}


@pytest.mark.parametrize("place", ["infra/handlers", "teardown"])
def test_functions_need_nothing_but_what_lambda_has(place: str) -> None:
    """Their code is no build: besides Python and boto3, which Lambda brings, there is nothing to import."""
    there = {*sys.stdlib_module_names, "boto3", "botocore", "infra", "teardown"}
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files(place)
        for name in imports(path)
        if name.split(".")[0] not in there and not name.startswith("types_boto3")  # for the type checker only
    }
    assert not wrong


@pytest.mark.parametrize("place", ["infra", "model_code", "teardown"])
def test_the_app_does_not_know_where_it_is_deployed(place: str) -> None:
    """Neither what is provisioned nor what runs on the instances names the embedded AWS."""
    words = ("ministack", "embedded", "localhost", "4566", "AWS_ENDPOINT_URL")
    naming = {p.name for p in files(place) if any(word in p.read_text() for word in words)}
    assert not naming
