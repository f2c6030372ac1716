"""Labs, each synthesised once, with a data set that is a stand-in: no template depends on what is in it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import boto3
import pytest

from embedded_aws import gateway
from infra.settings import DATA_FILES, read
from model_code.data import LABELS
from teardown import clients
from tests.infra import validated as validated_labs
from tests.infra.templates import Template, in_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    import aws_cdk as cdk

    from infra.settings import Settings

    Synthesise = Callable[..., dict[str, Template]]


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with four files of the right names."""
    folder = tmp_path_factory.mktemp("data")
    for name in DATA_FILES:
        (folder / name).write_text(name)
    return folder


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file in the folder of each class."""
    folder = tmp_path_factory.mktemp("photos")
    for name in LABELS:
        (folder / name).mkdir()
        (folder / name / "1.png").write_text(name)
    return folder


@pytest.fixture(scope="session")
def compose(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., cdk.App]:
    """An app with the lab in it; keyword arguments are settings."""
    import aws_cdk as cdk

    from infra import composition

    def composed(**settings: object) -> cdk.App:
        app = cdk.App(outdir=str(tmp_path_factory.mktemp("cdk.out")))
        env = cdk.Environment(account="111122223333", region="eu-west-1")
        lab, function = read({"lab": settings}), None
        if "lambda" in lab.serve_also:
            function = tmp_path_factory.mktemp("function") / "function.zip"
            ZipFile(function, "w").close()
        composition.compose(app, lab, data_folder, function=function, env=env)
        return app

    return composed


@pytest.fixture(scope="session")
def synthesise(compose: Callable[..., cdk.App]) -> Synthesise:
    """The templates by the name of their stack; keyword arguments are settings, and equal ones are synthesised once."""
    made: dict[Settings, dict[str, Template]] = {}

    def synthesised(**settings: object) -> dict[str, Template]:
        lab = read({"lab": settings})
        if lab not in made:
            made[lab] = written(compose(**settings))
        return made[lab]

    return synthesised


def written(app: cdk.App) -> dict[str, Template]:
    """Synthesise an app, and return its templates.

    They are read as the CLI reads them: an artifact's `template` goes through the CDK's kernel anew each time.
    """
    return in_folder(Path(app.synth().directory))


@pytest.fixture(scope="session")
def validated(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the apps of validated.py, each below its name."""
    folder = tmp_path_factory.mktemp("validated")
    validated_labs.synthesise(data_folder, folder)
    return folder


@pytest.fixture(scope="session")
def app(compose: Callable[..., cdk.App]) -> cdk.App:
    """The lab with two seats, a lease and somebody who is notified; all else at its default."""
    return compose(seats=["ada", "grace"], lease="8h", notify=["ops@example.org"], owner="ana")


@pytest.fixture(scope="session")
def templates(app: cdk.App) -> dict[str, Template]:
    """The templates by the name of their stack."""
    return written(app)


@pytest.fixture(scope="session")
def resources(templates: dict[str, Template]) -> Callable[[str], list[dict[str, Any]]]:
    """The properties of every resource of a type, in all stacks."""

    def of(kind: str) -> list[dict[str, Any]]:
        everything = [item for template in templates.values() for item in template["Resources"].values()]
        return [item.get("Properties", {}) for item in everything if item["Type"] == kind]

    return of


@pytest.fixture(scope="session")
def session() -> boto3.Session:
    """A session whose clients are stubbed: each session anew reads what services there are."""
    return boto3.Session("test", "test", region_name="eu-west-1")


@pytest.fixture(scope="session")
def patient(embedded: gateway.Gateway) -> Callable[[str], Any]:
    """A client for a service of the embedded AWS that asks again as the lab's functions do."""
    session: Any = boto3.Session("test", "test", region_name=gateway.REGION)
    return cache(lambda service: session.client(service, endpoint_url=embedded.url, config=clients.CONFIG))


@pytest.fixture
def clock() -> Clock:
    """A clock for handlers that wait."""
    return Clock()


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        """Seconds since the start."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.time += seconds
