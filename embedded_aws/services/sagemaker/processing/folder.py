"""What a processing container finds in /opt/ml, and what it leaves there.

Layout and files: SageMaker's guide, "How Amazon SageMaker Processing Configures Your Processing Container" and "Save
and Access Metadata Information About Your Processing Job".
"""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from embedded_aws.runtime.programs import relocate_programs
from embedded_aws.runtime.relocate import relocate
from embedded_aws.services.sagemaker.processing.validation import inputs, outputs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from embedded_aws.runtime.container import Container

# The inputs in which the SageMaker SDK's processors send programs: ScriptProcessor and FrameworkProcessor of
# sagemaker.core.processing 2.27.0.
_PROGRAMS = {"code", "entrypoint", "aux"}


class ProcessingFolder:
    """The /opt/ml of one host of a processing job."""

    def __init__(self, container: Container, request: Mapping[str, Any]) -> None:
        """Make its folders, with those of the inputs and outputs."""
        self._root, self._container = container.ml, container
        self._request = request
        self._message = self._root / "output" / "message"
        for folder in (self._root / "config", self._root / "output", self._root / "processing"):
            folder.mkdir()
        self.inputs = [(each, self._here(each["S3Input"])) for each in inputs(request) if not each.get("AppManaged")]
        self.outputs = [(each, self._here(each["S3Output"])) for each in outputs(request) if not each.get("AppManaged")]
        for _, folder in (*self.inputs, *self.outputs):
            folder.mkdir(parents=True, exist_ok=True)

    def configure(self, arn: str, host: str, hosts: Sequence[str]) -> None:
        """Write the job's configuration, in which paths are those of here, and the hosts' names."""
        job = {"ProcessingJobArn": arn, **{name: value for name, value in self._request.items() if name != "Tags"}}
        self._write("processingjobconfig", relocate(json.dumps(job), self._container.places))
        self._write("resourceconfig", json.dumps({"current_host": host, "hosts": list(hosts)}))

    def relocate_programs(self) -> None:
        """Let the programs that the inputs bring find what they call by a container's paths."""
        for folder in self._programs():
            relocate_programs(folder, self._container.places)

    def message(self) -> bytes:
        """What the container wrote as its message; empty if it wrote none."""
        return self._message.read_bytes() if self._message.is_file() else b""

    def _programs(self) -> Iterator[Path]:
        """The inputs that are known for programs, and those from which the entrypoint takes one."""
        entrypoint = [PurePosixPath(word) for word in self._request["AppSpecification"]["ContainerEntrypoint"]]
        for each, folder in self.inputs:
            path = PurePosixPath(each["S3Input"]["LocalPath"])
            if each["InputName"] in _PROGRAMS or any(word.is_relative_to(path) for word in entrypoint):
                yield folder

    def _here(self, data: Mapping[str, Any]) -> Path:
        return self._container.place(data["LocalPath"])

    def _write(self, name: str, text: str) -> None:
        (self._root / "config" / f"{name}.json").write_text(text)
