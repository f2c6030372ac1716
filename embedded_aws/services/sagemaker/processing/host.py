"""One host of a processing job: its container, with the data and the program in it."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from embedded_aws.runtime import ingest
from embedded_aws.runtime import instances as hosts_of
from embedded_aws.runtime.container import Container
from embedded_aws.runtime.logs import LogStream
from embedded_aws.runtime.process_group import Host
from embedded_aws.runtime.relocate import relocate
from embedded_aws.services.sagemaker.processing.folder import ProcessingFolder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from embedded_aws.runtime.credentials import Role
    from embedded_aws.runtime.images import Image
    from embedded_aws.runtime.instances import Instance
    from embedded_aws.services.sagemaker.store import Record

GROUP = "/aws/sagemaker/ProcessingJobs"
_NO_DATA = "ClientError: Failed to download data. "


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
        self._instances, self._shard = instances, ingest.Shard(number, len(instances))
        self._name = instances[number].name
        self._container = Container(folder / self._name, image)
        self.folder = ProcessingFolder(self._container, request)
        self.folder.configure(record.arn, self._name, [one.name for one in instances])

    def download(self, s3: Any) -> None:
        """Bring its inputs. Raises FailedError."""
        for each, place in self.folder.inputs:
            source = each["S3Input"]
            ingest.download(s3, source, place, role=self._role, failure=_NO_DATA, shard=self._shard)
        self.folder.relocate_programs()

    def at_work(self, network: Mapping[str, str]) -> Host:
        """What it runs, told so that it reaches AWS."""
        program, places = self._request["AppSpecification"], self._container.places
        words = [*program["ContainerEntrypoint"], *program.get("ContainerArguments", [])]
        wanted = self._request.get("Environment", {})
        return Host(
            name=self._name,
            command=[relocate(word, places) for word in words],
            environment=self._container.environment(
                os.environ,
                **hosts_of.variables(self._instances),
                **network,
                **{name: relocate(value, places) for name, value in wanted.items()},
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
