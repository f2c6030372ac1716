"""One host of a training job: its container, its /opt/ml, its share of the data, and what it runs."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedded_aws.runtime import ingest, instances
from embedded_aws.runtime.container import Container
from embedded_aws.runtime.mirror import Mirror
from embedded_aws.runtime.relocate import relocate
from embedded_aws.runtime.warm_host import WarmHost
from embedded_aws.services.sagemaker.training import matching
from embedded_aws.services.sagemaker.training.folder import JobFolder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from embedded_aws.runtime.credentials import Role
    from embedded_aws.runtime.images import Image
    from embedded_aws.runtime.instances import Instance

_LAUNCH = Path(__file__).parents[3] / "runtime" / "launch" / "train.py"
_TOOLKIT_MODULE = "sagemaker_tensorflow_container.training:main"
_CHECKPOINTS = "/opt/ml/checkpoints"  # the defaults that botocore's model names
_TENSORBOARD = "/opt/ml/output/tensorboard"
_CACHE = "/opt/ml/sagemaker/warmpoolcache"  # SageMaker's guide, "Using persistent cache"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What an instance of a warm pool has for its next job: `cache`, and a container in which Python may wait."""

    cache: Path
    imports: Path
    container: Container
    image: Image
    waiting: WarmHost | None = None

    def close(self) -> None:
        """End what waits."""
        if self.waiting:
            self.waiting.close()


class TrainingHost:
    """A host; `job` is its /opt/ml."""

    def __init__(
        self,
        instance: Instance,
        all_of_them: Sequence[Instance],
        request: Mapping[str, Any],
        *,
        folder: Path,
        image: Image,
        kept: Kept | None = None,
    ) -> None:
        """Make its folders, or take those that a warm pool has kept for a job of this image."""
        self.name = instance.name
        ready = kept if kept and kept.image == image else None
        self.container = ready.container if ready else Container(folder, image)
        self.waiting = ready.waiting if ready else None
        self._imports = ready.imports if ready else folder / "imports.json"
        self._image = image
        self._keeps = bool(kept or matching.keep_alive(request))
        if self._keeps:
            self._cache = self.container.place(_CACHE)
            self._cache.parent.mkdir(parents=True)
            shutil.move(kept.cache, self._cache) if kept else self._cache.mkdir()
        self.job = JobFolder(self.container.ml)
        self.job.configure(request, instance, all_of_them)
        self._instance, self._instances = instance, all_of_them
        self._request = request

    def mirrors(self, s3: Any, job_name: str) -> list[Mirror]:
        """What is kept in S3 of it while it works, its checkpoints brought from there.

        TensorBoard's place: the SageMaker SDK, sagemaker.core.training.configs 2.27.0. Raises MirrorError.
        """
        made = []
        if config := self._request.get("CheckpointConfig"):
            folder = self.container.place(config.get("LocalPath") or _CHECKPOINTS)
            checkpoints = Mirror(s3, folder, config["S3Uri"], deletes=True)
            checkpoints.fill()
            self.job.configure_checkpoints(config["S3Uri"], folder)
            made.append(checkpoints)
        if config := self._request.get("TensorBoardOutputConfig"):
            folder = self.container.place(config.get("LocalPath") or _TENSORBOARD)
            uri = f"{config['S3OutputPath'].rstrip('/')}/{job_name}/tensorboard-output"
            made.append(Mirror(s3, folder, uri, growing=True))
        return made

    def download(self, s3: Any, channel: Mapping[str, Any], *, role: Role) -> None:
        """Bring a channel's data, or this host's share of them. Raises FailedError."""
        source = channel["DataSource"]["S3DataSource"]
        groups = source.get("InstanceGroupNames")
        sharing = [one for one in self._instances if not groups or one.group in groups]
        if self._instance not in sharing:
            return
        ingest.download(
            s3,
            source,
            self.job.channel(channel["ChannelName"]),
            role=role,
            failure="ClientError: Data download failed:",
            shard=ingest.Shard(sharing.index(self._instance), len(sharing)),
        )

    def command(self) -> list[str | Path]:
        """What it runs: the container's entrypoint, or the training toolkit."""
        algorithm, places = self._request["AlgorithmSpecification"], self.container.places
        arguments = [relocate(each, places) for each in algorithm.get("ContainerArguments", [])]
        if "ContainerEntrypoint" in algorithm:
            return [*(relocate(each, places) for each in algorithm["ContainerEntrypoint"]), *arguments]
        return [self.container.python, "-P", _LAUNCH, *arguments]

    def leave(self, folder: Path) -> Kept:
        """Leave, in a new folder, what the next job of a warm pool finds: the cache, and Python with the last imports.

        Python waits where the job ran by the toolkit's `train`, on one host, to its end.
        """
        folder.mkdir(parents=True)
        cache = Path(shutil.move(self._cache, folder / "cache"))
        imports = folder / "imports.json"
        kept = Kept(cache=cache, imports=imports, container=Container(folder / "next", self._image), image=self._image)
        if not self._imports.exists() or len(self._instances) > 1:
            return kept
        shutil.copy(self._imports, imports)
        self.container, self._imports = kept.container, imports
        waiting = WarmHost(self.command(), environment=self.environment({}), folder=kept.container.ml)
        return replace(kept, waiting=waiting)

    def environment(self, network: Mapping[str, str], **job: str) -> dict[str, str]:
        """Its environment; `network` says how AWS is reached, `job` what every host of the job is told."""
        wanted = self._request.get("Environment", {})
        return self.container.environment(
            os.environ,
            CURRENT_HOST=self.name,
            DMLC_INTERFACE="lo",
            SAGEMAKER_BASE_DIR=str(self.container.ml),
            SAGEMAKER_TRAINING_MODULE=_TOOLKIT_MODULE,
            SAGEMAKER_JOB_PLACES=json.dumps({path: str(folder) for path, folder in self.container.places.items()}),
            **instances.variables(self._instances),
            **self._warm(),
            **job,
            **network,
            **{name: relocate(value, self.container.places) for name, value in wanted.items()},
        )

    def _warm(self) -> dict[str, str]:
        """What a job of a warm pool is told, and launch/train.py."""
        if not self._keeps:
            return {}
        cache = str(self.container.place(_CACHE))
        return {"SAGEMAKER_MANAGED_WARMPOOL_CACHE_DIRECTORY": cache, "SAGEMAKER_JOB_IMPORTS": str(self._imports)}
