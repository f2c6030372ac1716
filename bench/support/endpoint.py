"""An endpoint of a benchmark's own on an embedded AWS, and the processes that answer for it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

from bench.support import artifact
from bench.support.embedded_aws import INFERENCE_URI

if TYPE_CHECKING:
    from pathlib import Path

    from bench.support.embedded_aws import EmbeddedAws

NAME = "bench"
_HOST = "serving/__main__.py"


@dataclass(frozen=True)
class Host:
    """The host of the endpoint: the port on which it listens, and its processes."""

    port: int
    processes: list[psutil.Process]

    def megabytes(self) -> float:
        """Its memory; what its processes share counts once."""
        return sum(map(megabytes, self.processes))


def serve(aws: EmbeddedAws, model: Path, *, workers: int) -> Host:
    """Create an endpoint of one instance that serves the artifact, and wait until it does."""
    create(aws, model, workers=workers, InstanceType="ml.m5.large", InitialInstanceCount=1)
    return _host(aws.pid)


def create(aws: EmbeddedAws, model: Path, *, workers: int, **variant: Any) -> None:
    """Create an endpoint whose variant has these members, and wait until it is in service."""
    s3, sagemaker = aws.client("s3"), aws.client("sagemaker")
    s3.create_bucket(Bucket=NAME)
    s3.upload_file(str(artifact.pack(model, model.with_name("model.tar.gz"))), NAME, "model.tar.gz")
    container = {
        "Image": INFERENCE_URI,
        "ModelDataUrl": f"s3://{NAME}/model.tar.gz",
        "Environment": {"SAGEMAKER_GUNICORN_WORKERS": str(workers)},
    }
    sagemaker.create_model(ModelName=NAME, PrimaryContainer=container, ExecutionRoleArn=aws.role(NAME))
    variants = [{"VariantName": NAME, "ModelName": NAME, **variant}]
    sagemaker.create_endpoint_config(EndpointConfigName=NAME, ProductionVariants=variants)
    sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName=NAME)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=NAME, WaiterConfig={"Delay": 1})


def hosts(gateway: int) -> list[psutil.Process]:
    """Return the processes that answer for the endpoint."""
    return [process for process in psutil.Process(gateway).children(recursive=True) if _is_host(process)]


def _is_host(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):  # it may just have ended
        return any(part.endswith(_HOST) for part in process.cmdline())
    return False


def megabytes(process: psutil.Process) -> float:
    """A process's memory; its share of what it has in common with others, where the system can tell."""
    memory = process.memory_full_info()
    return float(getattr(memory, "pss", memory.rss)) / 1e6


def _host(gateway: int) -> Host:
    processes = hosts(gateway)
    # supervise.py and bubblewrap, who only wait, are among them; the Python that they started knows its socket.
    host = next(process for process in processes if "-P" in process.cmdline()[:2])
    listening = int(host.cmdline()[-2])
    (port,) = {one.laddr.port for one in host.net_connections("tcp") if one.fd == listening}
    return Host(port, processes)
