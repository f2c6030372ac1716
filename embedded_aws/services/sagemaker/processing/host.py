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

from embedded_aws.runtime import instances, memory
from embedded_aws.runtime.docker.container import OWN_ENTRYPOINT
from embedded_aws.runtime.logs import LogStream
from embedded_aws.runtime.process_group import HostCommand
from embedded_aws.runtime.programs import rewrite_programs
from embedded_aws.services.sagemaker import job_inputs
from embedded_aws.services.sagemaker.processing.validation import inputs, outputs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from embedded_aws.runtime.containers import AnyContainer, AnyImage
    from embedded_aws.runtime.instances import Instance
    from embedded_aws.services.sagemaker.jobs import Job

_LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
_NO_DATA = "ClientError: Failed to download data. "
# The inputs in which the SageMaker SDK's processors send programs: ScriptProcessor and FrameworkProcessor of
# sagemaker.core.processing 2.27.0.
_PROGRAMS = {"code", "entrypoint", "aux"}


class ProcessingFolder:
    """The /opt/ml of one host of a processing job."""

    def __init__(self, container: AnyContainer, request: Mapping[str, Any]) -> None:
        """Make its folders, with those of the inputs and outputs."""
        self._root, self._container = container.ml, container
        self._request = request
        self._message = self._root / "output" / "message"
        for folder in (self._root / "config", self._root / "output", self._root / "processing"):
            folder.mkdir()
        self.inputs = [*self._located(inputs(request), "S3Input")]
        self.outputs = [*self._located(outputs(request), "S3Output")]
        for _, folder in (*self.inputs, *self.outputs):
            folder.mkdir(parents=True, exist_ok=True)

    def configure(self, arn: str, host: str, hosts: Sequence[str]) -> None:
        """Write the job's configuration, in which paths are those of here, and the hosts' names."""
        job = {"ProcessingJobArn": arn, **{name: value for name, value in self._request.items() if name != "Tags"}}
        self._write("processingjobconfig", self._container.rewrite(json.dumps(job)))
        self._write("resourceconfig", json.dumps({"current_host": host, "hosts": list(hosts)}))

    def rewrite_programs(self) -> None:
        """Let the programs that the inputs bring find what they call by a container's paths."""
        for folder in self._programs():
            rewrite_programs(folder, self._container.rewritten)

    def message(self) -> bytes:
        """Return what the container wrote as its message; empty if it wrote none."""
        return self._message.read_bytes() if self._message.is_file() else b""

    def _programs(self) -> Iterator[Path]:
        """Yield the inputs that are known for programs, and those from which the entrypoint takes one."""
        entrypoint = [PurePosixPath(word) for word in self._request["AppSpecification"].get("ContainerEntrypoint", ())]
        for each, folder in self.inputs:
            path = PurePosixPath(each["S3Input"]["LocalPath"])
            if each["InputName"] in _PROGRAMS or any(word.is_relative_to(path) for word in entrypoint):
                yield folder

    def _located(self, entries: Iterable[Mapping[str, Any]], member: str) -> Iterator[tuple[Mapping[str, Any], Path]]:
        """Yield the entries that the application does not manage itself, each with its folder."""
        for each in entries:
            if not each.get("AppManaged"):
                yield each, self._container.local_path(each[member]["LocalPath"])

    def _write(self, name: str, text: str) -> None:
        (self._root / "config" / f"{name}.json").write_text(text)


class ProcessingHost:
    """One of a job's instances, with the container on it."""

    def __init__(
        self, job: Job, instance: Instance, all_of_them: Sequence[Instance], *, folder: Path, image: AnyImage
    ) -> None:
        """Make its container in a folder that is not there yet."""
        self._job, self._request = job, job.request
        self._name, self._instance_type, self._instances = instance.name, instance.instance_type, all_of_them
        self._container = job.context.container(folder, image, instance_type=instance.instance_type)
        shared = instances.notice(all_of_them, sandboxed=job.context.sandboxes(image))
        self._notices = [image.notice, shared]
        self.folder = ProcessingFolder(self._container, job.request)
        self.folder.configure(job.record.arn, self._name, [one.name for one in all_of_them])
        self._shard = job_inputs.Shard(all_of_them.index(instance), len(all_of_them))

    def download(self, s3: Any) -> None:
        """Bring its inputs. Raises FailedError."""
        for each, folder in self.folder.inputs:
            source, role = each["S3Input"], self._job.role
            job_inputs.download(s3, source, folder, role=role, failure=_NO_DATA, shard=self._shard)
        self.folder.rewrite_programs()

    def command(self, network: Mapping[str, str]) -> HostCommand:
        """Return what it runs; `network` says how AWS is reached."""
        program, container = self._request["AppSpecification"], self._container
        words = [*program.get("ContainerEntrypoint", OWN_ENTRYPOINT), *program.get("ContainerArguments", [])]
        wanted = self._request.get("Environment", {})
        return HostCommand(
            name=self._name,
            command=container.command(
                [container.rewrite(word) for word in words],
                host=self._name,
                addresses=instances.addresses(self._instances),
                network=not self._request.get("NetworkConfig", {}).get("EnableNetworkIsolation"),
            ),
            environment=container.environment(
                os.environ,
                **instances.variables(self._instances),
                **network,
                **{name: container.rewrite(value) for name, value in wanted.items()},
            ),
            folder=container.ml,
            follow=self._follow,
            memory=memory.limit(self._instance_type),
            launch=container.launch,
        )

    def _follow(self, lines: Iterator[str]) -> None:
        """Pass the lines on to its log stream until the program ends."""
        stream = f"{self._job.record.name}/{self._name}-{int(time.time())}"
        log = LogStream(self._job.role, group=_LOG_GROUP, stream=stream)
        for notice in filter(None, self._notices):
            log.put(notice)
        for line in lines:
            log.put(line)
        log.close()
