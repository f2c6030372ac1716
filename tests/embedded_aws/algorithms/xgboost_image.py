"""XGBoost's image as tests use it: its jobs, and its Python, which has the library and scikit-learn's data."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import embedded_aws
from cli import paths
from embedded_aws.runtime import images

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.embedded_aws.account import Account

NAME = "sagemaker-xgboost-3.2-0"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
PACKAGE = Path(embedded_aws.__file__).parent


def python() -> Path:
    """Return the image's Python, as it is installed for jobs too."""
    return images.install(NAME, images_dir=PACKAGE / "images", cache_dir=paths.cache()).python


def run(code: str, *arguments: str) -> Any:
    """Run code in the image's Python; return the JSON that it prints last."""
    command = [str(python()), "-c", code, *arguments]
    environment = {"PYTHONPATH": str(PACKAGE.parent), "OMP_NUM_THREADS": "1"}  # more would wait for each other
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def channels(content_type: str | None = None, **uris: str) -> list[dict[str, Any]]:
    """Return InputDataConfig with channels of these names."""
    kind = {"ContentType": content_type} if content_type else {}
    return [
        {
            "ChannelName": name,
            "DataSource": {
                "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
            },
            **kind,
        }
        for name, uri in uris.items()
    ]


def start(account: Account, hyperparameters: Mapping[str, str], inputs: list[dict[str, Any]], **request: Any) -> str:
    """Start a training job in algorithm mode and return its name."""
    algorithm = {"TrainingImage": IMAGE, **request.pop("algorithm", {})}
    return account.start_job(
        algorithm=algorithm, HyperParameters={"nthread": "1", **hyperparameters}, InputDataConfig=inputs, **request
    )
