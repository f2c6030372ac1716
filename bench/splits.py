"""How requests are shared out: `./lab bench splits` asks 10,000 times each, and compares what came with what was asked.

Three variants by their weights, a shadow variant by its weight, and the new fleet of an update while a canary bakes.
The models only say which of them answered. Which one a request goes to is drawn by lot, as on AWS: of 10,000 the share
of a variant with a tenth lies within 1 % of it in all but one of a thousand runs. Ends with status 1 if one doesn't.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tarfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from bench.support import tables
from bench.support.embedded_aws import INFERENCE_URI, EmbeddedAws, embedded_aws

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BUCKET = _ROLE = "splits"
_CALLERS = 8
_PACE = 0.1
_MOST = 0.01
_CODE = b"import os\n\ndef handler(data, context):\n    return os.environ['NAME'], 'text/plain'\n"
_CANARY, _INSTANCES, _BAKING = 10, 2, 3600

Split = tuple[str, float, float]  # what was measured, its share as asked, and as it came


class Bench:
    """Models and endpoints on an embedded AWS, and callers who ask so many times."""

    def __init__(self, aws: EmbeddedAws, requests: int) -> None:
        self._requests, self._made = requests, set[str]()
        self._sagemaker, self._cloudwatch = aws.client("sagemaker"), aws.client("cloudwatch")
        self._runtime = aws.client("sagemaker-runtime", config=Config(max_pool_connections=_CALLERS))
        self._s3, self._role = aws.client("s3"), aws.role(_ROLE)
        self._s3.create_bucket(Bucket=_BUCKET)
        self._s3.put_object(Bucket=_BUCKET, Key="model.tar.gz", Body=_archive())

    def weights(self) -> Iterator[Split]:
        """Measure three variants."""
        asked = {"a": 8.0, "b": 1.0, "c": 1.0}
        self._serve("weights", [self._variant(name, weight) for name, weight in asked.items()])
        came = self._ask("weights")
        for name, weight in asked.items():
            yield f"variant {name}, weight {weight:g}", weight / sum(asked.values()), came[name] / self._requests

    def shadow(self) -> Iterator[Split]:
        """Measure a shadow variant, by the metric that counts its requests."""
        shadows = [self._variant("shadow", 0.1)]
        self._serve("shadow", [self._variant("a", 1.0)], ShadowProductionVariants=shadows)
        self._ask("shadow")
        deadline = time.monotonic() + 60
        while self._invocations("shadow", "a") < self._requests and time.monotonic() < deadline:
            time.sleep(1)
        yield "shadow, weight 0.1", 0.1, self._invocations("shadow", "shadow") / self._requests

    def canary(self) -> Iterator[Split]:
        """Measure the new fleet of an update while its canary bakes."""
        self._serve("canary", [self._variant("a", 1.0, _INSTANCES)])
        new = [{**self._variant("a", 1.0, _INSTANCES), "ModelName": self._model("new")}]
        self._sagemaker.create_endpoint_config(EndpointConfigName="canary-new", ProductionVariants=new)
        size = {"Type": "CAPACITY_PERCENT", "Value": _CANARY}
        routing = {"Type": "CANARY", "WaitIntervalInSeconds": _BAKING, "CanarySize": size}
        self._sagemaker.update_endpoint(
            EndpointName="canary",
            EndpointConfigName="canary-new",
            DeploymentConfig={"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}},
        )
        while self._stage("canary") != "Baking":
            time.sleep(0.2)
        came = self._ask("canary")
        if self._stage("canary") != "Baking":
            sys.exit("The canary did not bake long enough for so many requests.")
        yield f"canary, {_CANARY} %", _CANARY / 100, came["new"] / self._requests

    def _serve(self, name: str, variants: Sequence[dict[str, Any]], **more: Any) -> None:
        self._sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants, **more)
        self._sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        self._sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 1})

    def _variant(self, name: str, weight: float, count: int = 1) -> dict[str, Any]:
        return {
            "VariantName": name,
            "ModelName": self._model(name),
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": count,
            "InitialVariantWeight": weight,
        }

    def _model(self, name: str) -> str:
        """Make a model that answers its name, if there is none."""
        if name not in self._made:
            self._made.add(name)
            uri = f"s3://{_BUCKET}/model.tar.gz"
            container = {"Image": INFERENCE_URI, "ModelDataUrl": uri, "Environment": {"NAME": name}}
            self._sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=self._role)
        return name

    def _ask(self, endpoint: str) -> Counter[str]:
        """Ask so many times; return who answered how often."""
        came: Counter[str] = Counter()
        lock = threading.Lock()

        def ask(_: int) -> None:
            answer = self._runtime.invoke_endpoint(EndpointName=endpoint, Body=b"", ContentType="text/plain")
            name = answer["Body"].read().decode()
            with lock:
                came[name] += 1

        with ThreadPoolExecutor(_CALLERS) as callers:
            for _ in callers.map(ask, range(self._requests)):
                pass
        return came

    def _invocations(self, endpoint: str, variant: str) -> float:
        now = datetime.now(UTC)
        points = self._cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName="Invocations",
            Dimensions=[{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=1),
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        return float(sum(point["Sum"] for point in points))

    def _stage(self, endpoint: str) -> str:
        pending = self._sagemaker.describe_endpoint(EndpointName=endpoint).get("PendingDeploymentSummary", {})
        [variant] = pending.get("ProductionVariants", [{}])
        [status] = variant.get("VariantStatus", [{}])
        return str(status.get("Status", ""))


def _archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in {"1/saved_model.pb": b"", "code/inference.py": _CODE}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def main() -> None:
    """Measure and print."""
    about, _, more = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(prog="./lab bench splits", description=about, epilog=more)
    parser.add_argument("--requests", type=int, default=10_000, help="for each split (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON in the place of a table")
    options = parser.parse_args()
    with embedded_aws(pace=_PACE) as aws:
        bench = Bench(aws, options.requests)
        splits = [*bench.weights(), *bench.shadow(), *bench.canary()]
    if options.json:
        print(json.dumps([{"split": what, "asked": asked, "came": came} for what, asked, came in splits]))
    else:
        lines = [(what, f"{asked:.1%}", f"{came:.2%}", f"{came - asked:+.2%}") for what, asked, came in splits]
        tables.show([("split", "asked", "measured", "difference"), *lines])
    sys.exit(any(abs(came - asked) > _MOST for _, asked, came in splits))


if __name__ == "__main__":
    main()
