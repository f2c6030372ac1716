"""This machine as a Greengrass core device: it runs the scripts of the lab's component as its recipe has them."""

from __future__ import annotations

import json
import platform
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli import lifecycle
from cli.aws import edge_component
from cli.aws.edge_component import ComponentError
from cli.aws.endpoint import FailedRequestError, NoAnswerError
from cli.lifecycle import LifecycleError
from cli.ui.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cli.aws.edge_component import Component
    from cli.aws.session import Session
    from infra.settings import Settings

_ANY = 1 << 40  # bytes: nothing lies between a device and its own photos
_ENDINGS = {"image/png": ".png", "image/jpeg": ".jpg", "application/x-npy": ".npy"}


@dataclass(frozen=True)
class EdgeDevice:
    """A device that has a version of the component, and what `environment` its scripts have."""

    lab: str
    component: Component
    environment: Mapping[str, str]

    @property
    def work(self) -> Path:
        """Return the component's own folder."""
        return edge_component.home(self.lab) / "work"

    def install(self) -> None:
        """Run the recipe's Install script, which does its work once. Raises LifecycleError if it fails."""
        self.work.mkdir(parents=True, exist_ok=True)
        code = lifecycle.run(self._steps.get("Install", ":"), self._variables({}), self.environment, self.work)
        if code:
            raise LifecycleError(f"The component's Install script ended with {code}; what it says stands above.")

    def run(self, configuration: Mapping[str, str], *, output: int | None = None) -> int:
        """Run the recipe's Run script to its end and return its exit code.

        `configuration` is what a deployment to the device would have set; its standard output goes to `output`.
        """
        return lifecycle.run(
            self._steps["Run"], self._variables(configuration), self.environment, self.work, output=output
        )

    @cached_property
    def _recipe(self) -> dict[str, Any]:
        return self.component.recipe()

    @cached_property
    def _steps(self) -> dict[str, Any]:
        return lifecycle.lifecycle(self._recipe)

    def _variables(self, configuration: Mapping[str, str]) -> dict[str, str]:
        defaults = self._recipe["ComponentConfiguration"]["DefaultConfiguration"]
        return {
            "artifacts:path": str(self.component.artifacts),
            "artifacts:decompressedPath": str(self.component.unpacked),
            "work:path": str(self.work),
            "iot:thingName": platform.node() or "here",
            **{f"configuration:/{key}": value for key, value in {**defaults, **configuration}.items()},
        }


class Edge:
    """Answers as the endpoint does, by the component on this machine. Raises LabError if the lab has none."""

    largest = _ANY

    def __init__(self, session: Session, lab: Settings, outputs: Mapping[str, str]) -> None:
        if "EdgeComponent" not in outputs:
            raise LabError("The lab has no component for devices: `./lab up -c lab.serve_also=edge` makes one.")
        self.called = "the component on this machine"
        self._session, self._lab, self._arn = session, lab.name, outputs["EdgeComponent"]

    @cached_property
    def _device(self) -> EdgeDevice:
        component = edge_component.fetch(self._session, self._lab, self._arn)
        device = EdgeDevice(self._lab, component, self._session.environment())
        device.install()
        return device

    def ask(self, body: bytes, content_type: str, *, notice: Callable[[str], None]) -> bytes:
        """Return the answer. Raises FailedRequestError with the component's own sentence, NoAnswerError if it fails."""
        notice("the component is brought to this machine")
        try:
            device = self._device
        except (ComponentError, LifecycleError) as error:
            raise NoAnswerError(str(error)) from None
        notice("the component looks at it")
        with tempfile.TemporaryDirectory() as place:
            photos, results = Path(place) / "photos", Path(place) / "results"
            photos.mkdir()
            (photos / f"photo{_ENDINGS[content_type]}").write_bytes(body)
            configuration = {"photos": str(photos), "results": str(results), "bucket": "", "more": "--once"}
            if code := device.run(configuration, output=subprocess.DEVNULL):
                raise NoAnswerError(f"its Run script ended with {code}; what it says stands above")
            [line] = (results / "results.jsonl").read_bytes().splitlines()
        if sentence := json.loads(line).get("error"):
            raise FailedRequestError(sentence)
        return line
