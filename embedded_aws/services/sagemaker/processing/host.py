"""One host of a processing job: its container, its /opt/ml, and what it runs.

Layout and files of /opt/ml: SageMaker's guide, "How Amazon SageMaker Processing Configures Your Processing Container"
and "Save and Access Metadata Information About Your Processing Job".
"""

from __future__ import annotations

import json
import os
import time
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from embedded_aws.runtime import instances as hosts_of
from embedded_aws.runtime.container import Container, rewrite_paths
from embedded_aws.runtime.logs import LogStream
from embedded_aws.runtime.process_group import HostCommand
from embedded_aws.runtime.programs import rewrite_programs
from embedded_aws.services.sagemaker import job_inputs
from embedded_aws.services.sagemaker.processing.validation import inputs, outputs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from embedded_aws.runtime.credentials import Role
    from embedded_aws.runtime.images import Image
    from embedded_aws.runtime.instances import Instance
    from embedded_aws.services.sagemaker.store import Record

GROUP = "/aws/sagemaker/ProcessingJobs"
_NO_DATA = "ClientError: Failed to download data. "
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
        self._write("processingjobconfig", rewrite_paths(json.dumps(job), self._container.mounts))
        self._write("resourceconfig", json.dumps({"current_host": host, "hosts": list(hosts)}))

    def rewrite_programs(self) -> None:
        """Let the programs that the inputs bring find what they call by a container's paths."""
        for folder in self._programs():
            rewrite_programs(folder, self._container.mounts)

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
        return self._container.local_path(data["LocalPath"])

    def _write(self, name: str, text: str) -> None:
        (self._root / "config" / f"{name}.json").write_text(text)


class ProcessingHost:
    """The host of that number among a job's instances."""

    def __init__(
        self,
        number: int,
        *,
        instances: Sequence[Instance],
        record: Record,
        request: Mapping[str, Any],
        image: Image,
        folder: Path,
        role: Role,
    ) -> None:
        """Make its container in a folder of its own below the job's."""
        self._record, self._request, self._role = record, request, role
        self._instances, self._shard = instances, job_inputs.Shard(number, len(instances))
        self._name = instances[number].name
        self._container = Container(folder / self._name, image)
        self.folder = ProcessingFolder(self._container, request)
        self.folder.configure(record.arn, self._name, [one.name for one in instances])

    def download(self, s3: Any) -> None:
        """Bring its inputs. Raises FailedError."""
        for each, place in self.folder.inputs:
            source = each["S3Input"]
            job_inputs.download(s3, source, place, role=self._role, failure=_NO_DATA, shard=self._shard)
        self.folder.rewrite_programs()

    def at_work(self, network: Mapping[str, str]) -> HostCommand:
        """What it runs, told so that it reaches AWS."""
        program, places = self._request["AppSpecification"], self._container.mounts
        words = [*program["ContainerEntrypoint"], *program.get("ContainerArguments", [])]
        wanted = self._request.get("Environment", {})
        return HostCommand(
            name=self._name,
            command=[rewrite_paths(word, places) for word in words],
            environment=self._container.environment(
                os.environ,
                **hosts_of.variables(self._instances),
                **network,
                **{name: rewrite_paths(value, places) for name, value in wanted.items()},
            ),
            folder=self._container.ml,
            follow=self._follow,
        )

    def _follow(self, lines: Iterator[str]) -> None:
        """Pass the lines on to its log stream until the program ends."""
        stream = LogStream(self._role, group=GROUP, stream=f"{self._record.name}/{self._name}-{int(time.time())}")
        for line in lines:
            stream.put(line)
        stream.close()
