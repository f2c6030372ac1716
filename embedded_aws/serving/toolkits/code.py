"""Bring the code of a model to where AWS's container has it, and install what it requires, before a worker loads it.

SAGEMAKER_SUBMIT_DIRECTORY is an archive in S3 (`sourcedir.tar.gz`, as the SDK uploads it) or a folder, mostly
/opt/ml/model/code; scikit-learn's and XGBoost's containers have its files in /opt/ml/code and install them
(aws/sagemaker-containers, _modules.py and _files.py), PyTorch's takes those of the model's code/ as they lie there
(aws/sagemaker-inference-toolkit, model_server.py). Unlike AWS's, these files are not made a package unless there is a
setup.py: they are on the path.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from embedded_aws.serving import layout

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)


def folder(framework: str, ml: Path, model: Path) -> Path:
    """Return where a worker finds the code of a model."""
    return model / "code" if framework == "pytorch" else ml / "code"


def prepare(environment: Mapping[str, str], code: Path) -> bool:
    """Bring the code and install what it requires; return whether all of it is there. Raises OSError, botocore's."""
    source = environment.get("SAGEMAKER_SUBMIT_DIRECTORY", "")
    if source and not code.is_dir():
        _bring(source, code)
    requirements = code / layout.REQUIREMENTS
    if requirements.exists():
        from embedded_aws.serving import installing  # noqa: PLC0415 - takes a sixth of a start, and few models need it

        if not installing.install(requirements):
            return False
    if (code / "setup.py").exists():
        return subprocess.run([sys.executable, "-m", "pip", "install", str(code)], check=False).returncode == 0
    return True


def _bring(source: str, code: Path) -> None:
    if not source.startswith("s3://"):
        shutil.copytree(source, code)
        return
    import boto3  # noqa: PLC0415 - a third of a second, where the code is in S3 only

    bucket, _, key = source.removeprefix("s3://").partition("/")
    with tempfile.TemporaryDirectory() as temporary:
        archive = Path(temporary, "sourcedir.tar.gz")
        boto3.client("s3").download_file(bucket, key, str(archive))
        shutil.unpack_archive(archive, code, "gztar")
