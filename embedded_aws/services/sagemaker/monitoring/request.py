"""The processing job that a run of a monitoring schedule is: what of the captured data it gets, and what it is told.

Sources: SageMaker's guide, "Container Contract Inputs" (the variables; the data lie below
/{endpoint}/{variant}/yyyy/mm/dd/hh of LocalPath, and may be of more time than was asked for); a request that AWS's
sample on model quality has in its log (aws-samples, "model-quality-monitoring-202105062300-…"): the job's name, the
names and places of inputs and outputs, metric_time. `Job inputs had no data` is what users get where nothing was
captured (aws/sagemaker-python-sdk#2634), and there is no job then.
Not compared with AWS: that variables of one's own win over these; that an input is an hour of a variant, or a day where
there are many hours; whose name a job has without a job definition.
"""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from embedded_aws.runtime import s3_uris

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from embedded_aws.services.sagemaker.monitoring.timing import Window

NO_DATA = "Job inputs had no data"
_BASELINE = "/opt/ml/processing/baseline"
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_HOUR, _DAY = "%Y/%m/%d/%H", "%Y/%m/%d"
_MOST_HOURS = 4  # of inputs there are ten at most
_ID_BYTES = 12
# The members of BaselineConfig, with the input, its folder and the variable of each.
_BASELINES = {
    "StatisticsResource": ("baseline", "stats", "baseline_statistics", "statistics.json"),
    "ConstraintsResource": ("constraints", "constraints", "baseline_constraints", "constraints.json"),
}


def make(
    schedule: str, definition: Mapping[str, Any], window: Window, captured: Sequence[str], destination: str
) -> dict[str, Any]:
    """Return the request of CreateProcessingJob; `captured` are the folders with data, below the destination's."""
    source = definition["MonitoringInputs"][0]["EndpointInput"]
    output = definition["MonitoringOutputConfig"]["MonitoringOutputs"][0]["S3Output"]
    endpoint, local = source["EndpointName"], source["LocalPath"].rstrip("/")
    told = {
        "dataset_format": json.dumps(
            {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}},
            separators=(",", ":"),
        ),
        "dataset_source": local,
        "start_time": window.start.strftime(_TIME),
        "end_time": window.end.strftime(_TIME),
        "metric_time": window.start.strftime(_TIME),
        "output_path": output["LocalPath"],
        "publish_cloudwatch_metrics": "Enabled",
        "sagemaker_endpoint_name": endpoint,
        "sagemaker_monitoring_schedule_name": schedule,
    }
    inputs = [
        _input(
            f"endpoint_input_{number}",
            f"{destination}/{folder}",
            f"{local}/{folder}",
            source.get("S3DataDistributionType", "FullyReplicated"),
        )
        for number, folder in enumerate(captured, 1)
    ]
    for member, (name, folder, variable, file) in _BASELINES.items():
        if uri := definition.get("BaselineConfig", {}).get(member, {}).get("S3Uri"):
            inputs.append(_input(name, uri, f"{_BASELINE}/{folder}", "FullyReplicated"))
            told[variable] = f"{_BASELINE}/{folder}/{file}"
    place = f"{output['S3Uri'].rstrip('/')}/{endpoint}/{schedule}/{window.due:{_HOUR}}"
    uploaded = {"LocalPath": output["LocalPath"], "S3UploadMode": output.get("S3UploadMode", "Continuous")}
    config = definition["MonitoringOutputConfig"]
    return {
        "ProcessingJobName": f"model-monitoring-{window.due:%Y%m%d%H%M}-{secrets.token_hex(_ID_BYTES)}",
        "AppSpecification": dict(definition["MonitoringAppSpecification"]),
        "Environment": {**told, **definition.get("Environment", {})},
        "ProcessingInputs": inputs,
        "ProcessingOutputConfig": {
            **({"KmsKeyId": config["KmsKeyId"]} if "KmsKeyId" in config else {}),
            "Outputs": [{"OutputName": "result", "S3Output": {**uploaded, "S3Uri": place}}],
        },
        "ProcessingResources": definition["MonitoringResources"],
        **{name: definition[name] for name in ("NetworkConfig", "RoleArn", "StoppingCondition") if name in definition},
    }


def captured_folders(s3: Any, destination: str, *, endpoint: str, variants: Sequence[str], window: Window) -> list[str]:
    """Return the folders with data of the window, below a DataCaptureConfig's DestinationS3Uri."""
    bucket, prefix = s3_uris.split(f"{destination}/")
    found = []
    for variant in variants:
        for part in dict.fromkeys(_parts(window)):
            folder = f"{endpoint}/{variant}/{part}"
            listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}{folder}/".lstrip("/"), MaxKeys=1)
            if listed.get("Contents"):
                found.append(folder)
    return found


def _parts(window: Window) -> Iterator[str]:
    """Yield the window's hours, or its days if these are too many, as data capture names its folders."""
    hour = window.start.replace(minute=0, second=0, microsecond=0)
    many = window.end - hour > timedelta(hours=_MOST_HOURS)
    while hour < window.end:
        yield hour.strftime(_DAY if many else _HOUR)
        hour += timedelta(hours=1)


def _input(name: str, uri: str, path: str, distribution: str) -> dict[str, Any]:
    return {
        "InputName": name,
        "S3Input": {
            "LocalPath": path,
            "S3DataDistributionType": distribution,
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3Uri": uri,
        },
    }
