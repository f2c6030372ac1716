"""What the lab's processing jobs have in common: a program of model_code in an archive, inputs and outputs in S3."""

from __future__ import annotations

from typing import Any

LOGS = "/aws/sagemaker/ProcessingJobs"
OUTPUT = "/opt/ml/processing/output"
MESSAGE = "/opt/ml/output/message"  # becomes the job's ExitMessage
_INPUTS = "/opt/ml/processing/input"


def entrypoint(program: str) -> list[str]:
    """Return what starts a program of the input "code", as FrameworkProcessor of the SageMaker SDK starts one.

    The archive is called sourcedir.tar.gz, or as the CDK calls a file asset: its hash and .gz.
    """
    start = f'cd {input_folder("code")} && tar -xzf *.gz && exec python3 {program} "$@"'
    return ["/bin/bash", "-c", start, program]


def arguments(flags: dict[str, str]) -> list[str]:
    """Return the flags as ContainerArguments."""
    return [word for pair in flags.items() for word in pair]


def input_folder(name: str) -> str:
    """Return where the program finds an input."""
    return f"{_INPUTS}/{name}"


def read(name: str, uri: str) -> dict[str, Any]:
    """Return the input of this name: all that begins with an address in S3."""
    return {
        "InputName": name,
        "S3Input": {
            "LocalPath": input_folder(name),
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3Uri": uri,
        },
    }


def written(name: str, uri: str) -> dict[str, Any]:
    """Return the output of this name: all that the program leaves in OUTPUT goes below an address in S3."""
    return {
        "OutputName": name,
        "S3Output": {"LocalPath": OUTPUT, "S3UploadMode": "EndOfJob", "S3Uri": uri},
    }
