"""The whole lab: its stacks, put together."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from aws_cdk import Tags

from infra import function_package
from infra.constructs import source_directory
from infra.constructs.findings import acknowledge
from infra.stacks.endpoint import EndpointStack
from infra.stacks.operations import OperationsStack
from infra.stacks.retraining import RetrainingStack
from infra.stacks.seat import SeatStack
from infra.stacks.storage import StorageStack
from infra.stacks.training import TrainingStack
from labelling import archive
from teardown import names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import App, Environment

    from infra.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
OPENAPI = ROOT / "docs" / "openapi.json"
NOTEBOOK_FILES = (
    ROOT / "notebooks" / "bricks.ipynb",
    ROOT / "notebooks" / "jobs.ipynb",
    ROOT / "notebooks" / "hosting.ipynb",
    ROOT / "notebooks" / "algorithms.ipynb",
    ROOT / "notebooks" / "pipeline.ipynb",
    ROOT / "notebooks" / "drift.ipynb",
    ROOT / "notebooks" / "requirements.txt",
    ROOT / "infra" / "scripts" / "idle_stop.py",
    ROOT / "infra" / "scripts" / "kernel.sh",
    ROOT / "infra" / "scripts" / "packages.py",
)


def data_folder(settings: Settings, environ: Mapping[str, str]) -> Path:
    """Return the folder with the data: the team's own four files or photos, or the four files of the default renders.

    Renders are made at first use, and kept in the user's cache.
    """
    if settings.data or settings.photos:
        return Path(settings.data or settings.photos)
    from datasets import ensure  # noqa: PLC0415 a team's own data needs no renderer, and synth no numpy

    return ensure(cache=_cache(environ) / "datasets")


def model_function(settings: Settings, environ: Mapping[str, str]) -> Path | None:
    """Return the package of the Lambda function that serves the model, None if the lab has none.

    It is made at first use, and kept in the user's cache. Raises PackageError if it can't be made.
    """
    if "lambda" not in settings.serve_also:
        return None
    return function_package.ensure(ROOT / "model_code", cache=_cache(environ) / "functions")


def _cache(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bricklab"


def compose(
    app: App, settings: Settings, data: Path, *, function: Path | None = None, env: Environment | None = None
) -> None:
    """Add the lab's stacks to the app; `data` is the folder with the four files of the data set.

    `function` is the package of the Lambda function that serves the model, where the settings have one.
    """
    lab = settings.name
    # CDK's explicitStackTags leaves the stacks' own tags to the app, and by these a lab is found.
    tags = {names.LAB_TAG: lab, **({names.OWNER_TAG: settings.owner} if settings.owner else {})}
    operations = OperationsStack(app, names.operations_stack(lab), settings=settings, env=env, tags=tags)
    with tempfile.TemporaryDirectory() as place:
        code = Path(place) / source_directory.ARCHIVE
        source_directory.write(ROOT / "model_code", code)
        labelling = Path(place) / archive.ARCHIVE
        function_package.write(labelling, archive.files(ROOT))
        files = [*NOTEBOOK_FILES, code, labelling, *([OPENAPI] if "rest" in settings.serve_also else [])]
        storage = StorageStack(
            app,
            names.storage_stack(lab),
            settings=settings,
            data=data,
            notebooks={file.name: file for file in files},
            env=env,
            tags=tags,
        )
    training = TrainingStack(
        app,
        names.training_stack(lab),
        settings=settings,
        storage=storage,
        model_code=ROOT / "model_code",
        env=env,
        tags=tags,
    )
    endpoint = EndpointStack(
        app,
        names.endpoint_stack(lab),
        settings=settings,
        storage=storage,
        training=training,
        model_code=ROOT / "model_code",
        function=function,
        env=env,
        tags=tags,
    )
    core = [operations, storage, training, endpoint]
    if settings.retraining:
        core.append(
            RetrainingStack(
                app,
                names.retraining_stack(lab),
                settings=settings,
                operations=operations,
                storage=storage,
                training=training,
                endpoint=endpoint,
                env=env,
                tags=tags,
            )
        )
    for stack in core:
        acknowledge(stack, {"W3005": "The CDK names in DependsOn what a resource refers to anyway: it does no harm."})
    for seat in (each.name for each in settings.seats):
        SeatStack(
            app,
            names.seat_stack(lab, seat),
            settings=settings,
            seat=seat,
            storage=storage.shared,
            env=env,
            tags={**tags, names.SEAT_TAG: seat},
        )
    for tag, value in tags.items():
        Tags.of(app).add(tag, value)
