"""The job folder: what a training container finds in /opt/ml, and what it leaves there.

Layout: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from embedded_aws.runtime.instances import groups
from embedded_aws.runtime.programs import relocate_programs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from embedded_aws.runtime.instances import Instance

# The channels in which the SageMaker SDK's ModelTrainer sends programs instead of data: SM_CODE and SM_DRIVERS of
# sagemaker.core.training.constants 2.27.0.
_PROGRAMS = ("code", "sm_drivers")


class JobFolder:
    """A training job's /opt/ml."""

    def __init__(self, root: Path) -> None:
        """Make its folders."""
        self.root = root
        self.model = root / "model"
        self.output_data = root / "output" / "data"
        self._config = root / "input" / "config"
        self._failure = root / "output" / "failure"
        for folder in (self.model, self.output_data, self._config, root / "input" / "data", root / "code"):
            folder.mkdir(parents=True, exist_ok=True)  # a toolkit that waits for its job has made some

    def channel(self, name: str) -> Path:
        """The folder of an input channel."""
        folder = self.root / "input" / "data" / name
        folder.mkdir(exist_ok=True)
        return folder

    def relocate_programs(self, places: Mapping[str, Path]) -> None:
        """Let the programs in the channels that hold some find what they call by a container's paths."""
        for name in _PROGRAMS:
            relocate_programs(self.root / "input" / "data" / name, places)

    def configure(self, request: Mapping[str, Any], instance: Instance, all_of_them: Sequence[Instance]) -> None:
        """Write hyperparameters, channels and hosts as the container reads them."""
        resources = {
            "current_host": instance.name,
            "current_instance_type": instance.instance_type,
            "current_group_name": instance.group,
            "hosts": [one.name for one in all_of_them],
            "instance_groups": [*groups(all_of_them)],
            "network_interface_name": "lo",
        }
        self._write("hyperparameters", request.get("HyperParameters", {}))
        self._write(
            "inputdataconfig", {each["ChannelName"]: _channel(each) for each in request.get("InputDataConfig", [])}
        )
        self._write("resourceconfig", resources)

    def configure_checkpoints(self, uri: str, folder: Path) -> None:
        """Write where checkpoints lie, as a container reads it. Source: aws/sagemaker-xgboost-container#32."""
        self._write("checkpointconfig", {"S3Uri": uri, "LocalPath": str(folder)})

    @property
    def failure(self) -> str:
        """What the container wrote as the reason of its failure; empty if it wrote none."""
        return self._failure.read_bytes().decode(errors="replace") if self._failure.exists() else ""

    def _write(self, name: str, document: Any) -> None:
        (self._config / f"{name}.json").write_text(json.dumps(document))


def _channel(channel: Mapping[str, Any]) -> dict[str, str]:
    source = channel.get("DataSource", {}).get("S3DataSource", {})
    return {
        "TrainingInputMode": channel.get("InputMode", "File"),
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        **({"ContentType": channel["ContentType"]} if "ContentType" in channel else {}),
    }
