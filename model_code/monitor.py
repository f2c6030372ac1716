"""Look whether what an endpoint was asked, and what it answered, is still like what its model was tested with.

    python monitor.py --captured ./capture --model ./model.tar.gz --output ./report

SageMaker Model Monitor starts it without flags, and says in the environment what to look at ("Container Contract
Inputs" in SageMaker's guide); as any other processing job it does the same. --captured is a folder with what data
capture wrote; without --model the artifact is that of the --endpoint. Writes Model Monitor's files, drift.png and
report.json to --output, and metrics to CloudWatch.
A user's mistake ends the script with code 1 and one sentence on stderr, in --message too. The message of a run begins
with "CompletedWithViolations" if there is drift: by that Model Monitor knows.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tarfile
import tempfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from command_line import CommandLine, report
from network import HiddenLayers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitoring.baseline import Baseline
    from monitoring.captured import Captured
    from monitoring.drift import Comparison
    from monitoring.measurements import Measurements

_NAMESPACE = "Bricklab"  # Model Monitor's own, for files that it publishes, its guide spells in three ways

_JOB = Path("/opt/ml/config/processingjobconfig.json")
_MESSAGE = Path("/opt/ml/output/message")
_VIOLATED, _COMPLETED = "CompletedWithViolations", "Completed"


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the monitor once and return the process's exit code."""
    try:
        flags = _flags(environment).parse_args(arguments)
        sentence = monitor(flags)
    except ValueError as error:
        return report(str(error), _MESSAGE if "dataset_source" in environment else None, code=1)
    return report(sentence, flags.message)


def monitor(flags: argparse.Namespace) -> str:
    """Compare what was captured with the baseline, write what was found, and return it in a sentence.

    Raises ValueError, in one sentence, for what can't be compared, and when AWS refuses.
    """
    # These need what AWS's container has, and take seconds that a user's mistake need not wait for.
    from botocore.exceptions import BotoCoreError, ClientError

    from monitoring import captured, picture, reports
    from monitoring.drift import FEWEST, compare
    from monitoring.measurements import Measurements

    try:
        if flags.tag:
            _tag_job(flags.tag)
        requests = captured.read(_needed(flags.captured, "--captured"), start=flags.start, end=flags.end)
        with tempfile.TemporaryDirectory() as temporary:
            baseline, hidden = _model(_artifact(flags, Path(temporary)), Path(temporary))
        window = Measurements.of(requests.images, requests.probabilities, hidden)
        tests: list[Comparison] = []
        if len(window) >= FEWEST:
            tests = compare(baseline, window, known=requests.known, right=_right(flags, requests, window))
            picture.write(
                _made(flags.output) / "drift.png",
                title=_title([test.short for test in _drifted(tests)], len(window), so="The photos are"),
                baseline=baseline,
                window=window,
                images=requests.images,
                tests=tests,
            )
        reports.write(flags.output, window=window, captured=requests, tests=tests)
        for test in tests:
            print(
                f"{'DRIFT' if test.drifted else 'same '} {test.name}: {test.words} (p={test.adjusted:.2g})", flush=True
            )
        if flags.metrics == "Enabled":
            _publish(flags, tests, images=len(window))
    except (ClientError, BotoCoreError) as error:
        raise ValueError(f"AWS was asked in vain: {error}") from error
    if not tests:
        return f"{_COMPLETED}: {len(window)} images are too few to compare; at least {FEWEST} are needed."
    drifted = _drifted(tests)
    status = _VIOLATED if drifted else _COMPLETED
    return f"{status}: {_title([test.words for test in drifted], len(window), so='Drift:')}"


def _drifted(tests: Sequence[Comparison]) -> list[Comparison]:
    """Return what has drifted, the surest first."""
    return sorted((test for test in tests if test.drifted), key=lambda test: test.p_value)


def _title(drifted: Sequence[str], images: int, *, so: str) -> str:
    return f"{so} {'; '.join(drifted)} ({images} images)." if drifted else f"No drift in {images} images."


def _right(flags: argparse.Namespace, requests: Captured, window: Measurements) -> list[bool]:
    """Return whether answers were right, of those whose labels were delivered in the window."""
    if not (flags.labels and flags.reports and flags.start and flags.end):
        return []
    import boto3

    from monitoring.quality import right_answers

    answers = dict(zip(requests.identifiers, window.classes.tolist(), strict=True))
    place = {"labels": flags.labels, "reports": flags.reports, "start": flags.start, "end": flags.end}
    return right_answers(boto3.client("s3"), answers=answers, **place)


def _artifact(flags: argparse.Namespace, folder: Path) -> Path:
    """Return the model artifact: the file that is given, or what the endpoint serves, brought into the folder."""
    if flags.model:
        return Path(flags.model)
    if not flags.endpoint:
        raise ValueError("--model is missing; give it a model.tar.gz, or name an --endpoint.")
    import boto3

    from preparing.s3 import split

    sagemaker = boto3.client("sagemaker")
    config = sagemaker.describe_endpoint(EndpointName=flags.endpoint)["EndpointConfigName"]
    variants = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    model = sagemaker.describe_model(ModelName=variants[0]["ModelName"])
    if "PrimaryContainer" not in model:
        raise ValueError(
            f"The endpoint {flags.endpoint} serves several containers; the monitor knows the network alone."
        )
    bucket, key = split(model["PrimaryContainer"]["ModelDataUrl"])
    file = folder / "model.tar.gz"
    boto3.client("s3").download_file(bucket, key, str(file))
    return file


def _model(artifact: Path, folder: Path) -> tuple[Baseline, HiddenLayers]:
    """Unpack an artifact in the folder; return its baseline, and the network's hidden layers."""
    import numpy as np

    from monitoring import baseline

    with tarfile.open(artifact) as archive:
        archive.extractall(folder / "model", filter="data")
    network = folder / "model" / "code" / "network.npz"
    measured = folder / "model" / baseline.FOLDER
    if not measured.is_dir() or not network.is_file():
        raise ValueError(f"{artifact.name} has no baseline to compare with; train the model anew.")
    with np.load(network) as content:
        weights = [content[name] for name in content.files]
    return baseline.Baseline.read(measured), HiddenLayers(weights[:-2])


def _tag_job(tag: str) -> None:
    """Give the job that this runs in a tag, KEY=VALUE: Model Monitor passes none on from its schedule."""
    import boto3

    arn = json.loads(_JOB.read_text(encoding="utf-8"))["ProcessingJobArn"]
    key, _, value = tag.partition("=")
    boto3.client("sagemaker").add_tags(ResourceArn=arn, Tags=[{"Key": key, "Value": value}])


def _publish(flags: argparse.Namespace, tests: Sequence[Comparison], *, images: int) -> None:
    """Put the run's metrics, under Model Monitor's own names where it has any, at the end of the window."""
    import boto3

    values = {
        "images": float(images),
        "violations": float(sum(test.drifted for test in tests)),
        **{f"feature_baseline_drift_{test.name}": test.distance for test in tests},
    }
    dimensions = [
        {"Name": name, "Value": value}
        for name, value in (("Endpoint", flags.endpoint), ("MonitoringSchedule", flags.schedule))
        if value
    ]
    data: list[Any] = [{"MetricName": name, "Dimensions": dimensions, "Value": value} for name, value in values.items()]
    boto3.client("cloudwatch").put_metric_data(Namespace=flags.namespace, MetricData=data)


def _flags(environment: Mapping[str, str]) -> CommandLine:
    told = environment.get
    parser = CommandLine(prog="monitor.py", description=__doc__)
    parser.add_argument("--captured", default=told("dataset_source"), type=Path, help="folder with captured requests")
    parser.add_argument("--output", default=told("output_path", "report"), type=Path, help="folder for what is found")
    parser.add_argument("--model", help="a model.tar.gz; none: what the endpoint serves")
    parser.add_argument("--endpoint", default=told("sagemaker_endpoint_name"), help="the endpoint's name")
    parser.add_argument("--schedule", default=told("sagemaker_monitoring_schedule_name"), help="the schedule's name")
    parser.add_argument("--start", default=told("start_time"), type=_time, help="first moment to look at, ISO 8601")
    parser.add_argument("--end", default=told("end_time"), type=_time, help="first moment not to look at any more")
    parser.add_argument("--labels", default=told("labels"), help="folder in S3 where labels are delivered")
    parser.add_argument("--reports", default=told("reports"), help="folder in S3 where earlier runs' answers are")
    parser.add_argument("--metrics", default=told("publish_cloudwatch_metrics", "Disabled"), help="Enabled or Disabled")
    parser.add_argument("--tag", default=told("tag"), help="KEY=VALUE, for the processing job that this runs in")
    parser.add_argument("--namespace", default=told("metrics_namespace", _NAMESPACE), help="of the metrics")
    parser.add_argument(
        "--message",
        default=_MESSAGE if told("dataset_source") else None,
        type=Path,
        help="file for the last sentence, as SageMaker's ExitMessage has it",
    )
    return parser


def _time(text: str) -> datetime:
    with suppress(ValueError):
        moment = datetime.fromisoformat(text.replace(" ", ""))  # the guide's example has spaces in it
        if moment.tzinfo:
            return moment
    raise argparse.ArgumentTypeError(f"{text!r} is no time with its zone, such as 2026-11-30T13:00:00Z")


def _needed(value: Path | None, flag: str) -> Path:
    if value is None or not value.is_dir():
        raise ValueError(f"{flag} is {str(value) if value else 'missing'}; it needs to be a folder.")
    return value


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
