"""One host of a training job: its container, its /opt/ml, its share of the data, and what it runs.

Layout of /opt/ml: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedded_aws.runtime import instances, memory
from embedded_aws.runtime.mirror import Mirror
from embedded_aws.runtime.pipes import Pipe
from embedded_aws.runtime.programs import rewrite_programs
from embedded_aws.services.sagemaker import job_inputs
from embedded_aws.services.sagemaker.training import streams
from embedded_aws.services.sagemaker.training.validation import PIPE, input_mode
from embedded_aws.services.sagemaker.training.warm_pools import RetainedHost, keep_alive_seconds
from embedded_aws.warmstart.host import WarmHost

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from embedded_aws.runtime.containers import AnyImage
    from embedded_aws.runtime.instances import Instance
    from embedded_aws.services.sagemaker.jobs import Job

_CHECKPOINTS = "/opt/ml/checkpoints"  # the defaults that botocore's model names
_TENSORBOARD = "/opt/ml/output/tensorboard"
_CACHE = "/opt/ml/sagemaker/warmpoolcache"  # SageMaker's guide, "Using persistent cache"

_NO_OPT_ML = (
    "{} names /opt/ml itself. It is there in a sandbox only, and this machine makes none, as its status says: "
    "take SM_MODEL_DIR, SM_OUTPUT_DATA_DIR, SM_CHANNEL_… from the environment instead."
)
# The channels in which the SageMaker SDK's ModelTrainer sends programs instead of data: SM_CODE and SM_DRIVERS of
# sagemaker.core.training.constants 2.27.0.
_PROGRAMS = ("code", "sm_drivers")


class TrainingFolder:
    """The /opt/ml of one host of a training job."""

    def __init__(self, root: Path) -> None:
        """Make its folders."""
        self.root = root
        self.model = root / "model"
        self.output_data = root / "output" / "data"
        self.code = root / "code"
        self._config = root / "input" / "config"
        self._failure = root / "output" / "failure"
        self.input_data = root / "input" / "data"
        for folder in (self.model, self.output_data, self._config, self.input_data, self.code):
            folder.mkdir(parents=True, exist_ok=True)  # a toolkit that waits for its job has made some

    def channel(self, name: str) -> Path:
        """Return the folder of an input channel."""
        folder = self.input_data / name
        folder.mkdir(exist_ok=True)
        return folder

    def rewrite_programs(self, places: Mapping[str, Path]) -> None:
        """Let the programs in the channels that hold some find what they call by a container's paths."""
        for name in _PROGRAMS:
            rewrite_programs(self.input_data / name, places)

    def configure(self, request: Mapping[str, Any], instance: Instance, all_of_them: Sequence[Instance]) -> None:
        """Write hyperparameters, channels and hosts as the container reads them."""
        resources = {
            "current_host": instance.name,
            "current_instance_type": instance.instance_type,
            "current_group_name": instance.group,
            "hosts": [one.name for one in all_of_them],
            "instance_groups": [*instances.groups(all_of_them)],
            "network_interface_name": instance.interface,
        }
        self._write("hyperparameters", request.get("HyperParameters", {}))
        channels = request.get("InputDataConfig", [])
        self._write("inputdataconfig", {each["ChannelName"]: _channel_config(each, request) for each in channels})
        self._write("resourceconfig", resources)

    def configure_checkpoints(self, uri: str, folder: str) -> None:
        """Write where checkpoints lie, as a container reads it. Source: aws/sagemaker-xgboost-container#32."""
        self._write("checkpointconfig", {"S3Uri": uri, "LocalPath": folder})

    @property
    def failure(self) -> str:
        """Return what the container wrote as the reason of its failure; empty if it wrote none."""
        return self._failure.read_bytes().decode(errors="replace") if self._failure.exists() else ""

    def _write(self, name: str, document: Any) -> None:
        (self._config / f"{name}.json").write_text(json.dumps(document))


def _channel_config(channel: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, str]:
    source = channel.get("DataSource", {}).get("S3DataSource", {})
    return {
        "TrainingInputMode": input_mode(channel, request),
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        **({"ContentType": channel["ContentType"]} if "ContentType" in channel else {}),
    }


class TrainingHost:
    """One of a job's instances, with the container on it; `folder` is its /opt/ml."""

    def __init__(
        self,
        job: Job,
        instance: Instance,
        all_of_them: Sequence[Instance],
        *,
        folder: Path,
        image: AnyImage,
        retained: RetainedHost | None = None,
    ) -> None:
        """Make its folders, or take those that a warm pool has retained for a job of this image."""
        self.name = instance.name
        self._job, self._request = job, job.request
        ready = retained if retained and retained.image == image else None
        make, instance_type = job.context.container, instance.instance_type
        self.container = ready.container if ready else make(folder, image, instance_type=instance_type)
        self._warm_host = ready.warm_host if ready else None
        self._mounted = set(self.container.mounts)
        self._image = image
        self._of_warm_pool = bool(retained or keep_alive_seconds(job.request))
        if self._of_warm_pool:
            self._cache = self.container.local_path(_CACHE)
            self._cache.parent.mkdir(parents=True)
            shutil.move(retained.cache, self._cache) if retained else self._cache.mkdir()
        self.folder = TrainingFolder(self.container.ml)
        self.folder.configure(job.request, instance, all_of_them)
        self._instance, self._instances = instance, all_of_them

    def mirrors(self, s3: Any) -> list[Mirror]:
        """Make the mirrors of what is kept in S3 while it works, with the checkpoints that are there already.

        TensorBoard's place: the SageMaker SDK, sagemaker.core.training.configs 2.27.0. Raises MirrorError.
        """
        made = []
        if config := self._request.get("CheckpointConfig"):
            folder = self.container.local_path(config.get("LocalPath") or _CHECKPOINTS)
            checkpoints = Mirror(s3, folder, config["S3Uri"], delete_removed=True)
            checkpoints.download()
            self.folder.configure_checkpoints(config["S3Uri"], self.container.inside(folder))
            made.append(checkpoints)
        if config := self._request.get("TensorBoardOutputConfig"):
            folder = self.container.local_path(config.get("LocalPath") or _TENSORBOARD)
            uri = f"{config['S3OutputPath'].rstrip('/')}/{self._job.record.name}/tensorboard-output"
            made.append(Mirror(s3, folder, uri, append_only=True))
        return made

    def bring(self, s3: Any, channel: Mapping[str, Any]) -> Pipe | None:
        """Bring a channel's data, or this host's share of them; in Pipe mode what will. Raises FailedError."""
        source = channel["DataSource"]["S3DataSource"]
        groups = source.get("InstanceGroupNames")
        sharing = [one for one in self._instances if not groups or one.group in groups]
        if self._instance not in sharing:
            return None
        name, role = channel["ChannelName"], self._job.role
        shard = job_inputs.Shard(sharing.index(self._instance), len(sharing))
        if input_mode(channel, self._request) == PIPE:
            return Pipe(self.folder.input_data, name, streams.records(s3, channel, role=role, shard=shard))
        folder = self.folder.channel(name)
        job_inputs.download(s3, source, folder, role=role, failure=streams.FAILURE, shard=shard)
        return None

    def rewrite_programs(self) -> None:
        """Let the programs in the channels that hold some find what they call by a container's paths."""
        self.folder.rewrite_programs(self.container.rewritten)

    @property
    def warm_host(self) -> WarmHost | None:
        """Return the Python that waits for the job; none if its sandbox lacks what the job has mounted since."""
        complete = self.container.rewritten or self._mounted == self.container.mounts.keys()
        return self._warm_host if complete else None

    @property
    def memory(self) -> int:
        """Return how many bytes it may have."""
        return memory.limit(self._instance.instance_type)

    @property
    def misses_opt_ml(self) -> str:
        """Return why a script that the toolkit brought does not find /opt/ml, in a sentence; empty if it finds it."""
        for program in sorted(self.folder.code.rglob("*.py")) if self.container.rewritten else ():
            text = program.read_text(errors="replace")
            if self.container.rewrite(text) != text:
                return _NO_OPT_ML.format(program.relative_to(self.folder.code))
        return ""

    def command(self) -> list[str]:
        """Return what it runs: the entrypoint that the job names, or what the image trains with."""
        algorithm, container = self._request["AlgorithmSpecification"], self.container
        trainer = container.program(self._image.family.trainer(self._request.get("HyperParameters", {})))
        words = [*algorithm.get("ContainerEntrypoint", trainer), *algorithm.get("ContainerArguments", [])]
        return container.command(
            [container.rewrite(word) for word in words],
            host=self.name,
            addresses=instances.addresses(self._instances),
            network=not self._request.get("EnableNetworkIsolation"),
        )

    def retain(self, folder: Path) -> RetainedHost:
        """Leave, in a new folder, what the next job of a warm pool finds: the cache, and Python with the last imports.

        Python waits where the job ran by the toolkit's `train`, on one host, to its end.
        """
        folder.mkdir(parents=True)
        cache = Path(shutil.move(self._cache, folder / "cache"))
        made_for = self._instance.instance_type
        container = self._job.context.container(folder / "next", self._image, instance_type=made_for)
        retained = RetainedHost(cache=cache, container=container, image=self._image)
        if not self._imports.exists() or len(self._instances) > 1:
            return retained
        imports = self._imports
        self.container = container
        shutil.copy(imports, self._imports)
        warm_host = WarmHost(self.command(), environment=self.environment({}), folder=container.ml, memory=self.memory)
        return replace(retained, warm_host=warm_host)

    @property
    def _imports(self) -> Path:
        """Return the file in which the last script's imports are noted."""
        return self.container.home / ".imports.json"

    def environment(self, network: Mapping[str, str], **job: str) -> dict[str, str]:
        """Return its environment; `network` says how AWS is reached, `job` is the same on every host of the job."""
        wanted = self._request.get("Environment", {})
        return self.container.environment(
            os.environ,
            CURRENT_HOST=self.name,
            DMLC_INTERFACE=self._instance.interface,
            SAGEMAKER_BASE_DIR=self.container.inside(self.container.ml),
            **({"SAGEMAKER_TRAINING_MODULE": module} if (module := self._image.family.toolkit) else {}),
            SAGEMAKER_JOB_MOUNTS=json.dumps({path: str(folder) for path, folder in self.container.rewritten.items()}),
            **instances.variables(self._instances),
            **self._warm_pool(),
            **job,
            **network,
            **{name: self.container.rewrite(value) for name, value in wanted.items()},
        )

    def _warm_pool(self) -> dict[str, str]:
        """Return the variables for the script of a job of a warm pool, and for launch/train.py."""
        if not self._of_warm_pool:
            return {}
        cache = self.container.inside(self.container.local_path(_CACHE))
        imports = self.container.inside(self._imports)
        return {"SAGEMAKER_MANAGED_WARMPOOL_CACHE_DIRECTORY": cache, "SAGEMAKER_JOB_IMPORTS": imports}
