"""Rounds of mixed load on SageMaker: its control plane, short jobs under quotas, an endpoint, notebook instances."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from bench.support import endpoint, invocations
from bench.support.asking import BrokenOffError
from bench.support.broken_http import ANSWER_SECONDS
from bench.support.embedded_aws import IMAGE_URI, INFERENCE_URI
from bench.support.traffic import BUCKET, name_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.support.asking import Caller
    from bench.support.embedded_aws import EmbeddedAws

_JOBS = 50  # that wait
_ASKED_AT_ONCE = 10
_SCARCE = "ml.g4dn.xlarge"  # of which a new account may have two
_NOTHING = ["python3", "-c", "print('line\\n' * 20)"]
_PREFIX = "jobs"
_SETTLE_SECONDS, _LOOK_SECONDS = 120, 0.5
_OURS = 500


class SageMaker:
    """What stands while the load is on: a role, the seats' notebook instances, an endpoint; and the rounds."""

    def __init__(self, aws: EmbeddedAws, *, seed: int) -> None:
        self._aws = aws
        self._role = aws.role("seats")
        self._right = invocations.right()
        smallest = {request.content_type: request.body for request, _ in reversed(self._right)}
        self._wrong = invocations.wrong(1000, seed_=seed, right=smallest)
        self._lock = threading.Lock()
        self._queue = deque(f"queued-{number}" for number in range(_JOBS))
        self._next = _JOBS
        self.servers: list[tuple[int, str]] = []  # JupyterLab's ports and tokens

    def make_seats(self, seats: int, opened: int) -> None:
        """Make a notebook instance with a role for each seat, and open the first of them."""
        sagemaker = self._aws.client("sagemaker")
        names = [f"seat-{number:03}" for number in range(seats)]
        s3 = self._aws.client("s3")
        for name in names:
            made = {"NotebookInstanceName": name, "InstanceType": "ml.t3.medium", "RoleArn": self._aws.role(name)}
            sagemaker.create_notebook_instance(**made, PlatformIdentifier="notebook-al2023-v1")
            s3.put_object(Bucket=BUCKET, Key=f"seats/{name}/work.txt", Body=b"work\n")
        for name in names[:opened]:
            waiter = sagemaker.get_waiter("notebook_instance_in_service")
            waiter.wait(NotebookInstanceName=name, WaiterConfig={"Delay": 1})
            answer = sagemaker.create_presigned_notebook_instance_url(NotebookInstanceName=name)
            url = urlsplit(answer["AuthorizedUrl"])
            self.servers.append((int(url.port or 0), parse_qs(url.query)["token"][0]))

    def rounds(self) -> dict[str, tuple[Callable[[Caller], object], float]]:
        """Return the rounds, and how often each has its turn."""
        return {
            "records": (self.records, 6),
            "notebook instance": (self.notebook_instance, 0.5),
            "jobs": (self.jobs, 4),
            "invocations": (self.invocations, 10),
            **({"open notebooks": (self.notebooks, 6.0)} if self.servers else {}),
        }

    def records(self, caller: Caller) -> None:
        """Models, endpoint configs and tags."""
        name = name_of(caller)
        container = {"Image": INFERENCE_URI, "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz"}
        model = {"ModelName": name, "PrimaryContainer": container, "ExecutionRoleArn": self._role}
        gone: Any = lambda members, _: ("delete_model", {"ModelName": members["ModelName"]})  # noqa: E731
        arn = caller.ask("sagemaker", "create_model", model, undo=gone)["ModelArn"]
        caller.ask("sagemaker", "describe_model", {"ModelName": name})
        caller.ask("sagemaker", "add_tags", {"ResourceArn": arn, "Tags": [{"Key": "a", "Value": "b"}]})
        caller.ask("sagemaker", "list_tags", {"ResourceArn": arn})
        caller.ask("sagemaker", "delete_tags", {"ResourceArn": arn, "TagKeys": ["a"]})
        variant = {"VariantName": "one", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        config = {"EndpointConfigName": name, "ProductionVariants": [variant]}
        config_gone: Any = lambda members, _: (  # noqa: E731
            "delete_endpoint_config",
            {"EndpointConfigName": members["EndpointConfigName"]},
        )
        caller.ask("sagemaker", "create_endpoint_config", config, undo=config_gone)
        caller.ask("sagemaker", "describe_endpoint_config", {"EndpointConfigName": name})
        for operation in ("list_models", "list_endpoint_configs", "list_notebook_instances", "list_training_jobs"):
            caller.ask("sagemaker", operation, {"MaxResults": 20, "SortBy": "CreationTime"})

    def notebook_instance(self, caller: Caller) -> None:
        """Make a notebook instance, and delete it once it has stopped."""
        at = {"NotebookInstanceName": name_of(caller)}
        made = {**at, "InstanceType": "ml.t3.medium", "RoleArn": self._role}
        caller.ask("sagemaker", "create_notebook_instance", made, wrong=False)
        self._settle(caller, "describe_notebook_instance", at, "NotebookInstanceStatus", ("Pending",))
        caller.ask("sagemaker", "stop_notebook_instance", at, wrong=False)
        self._settle(caller, "describe_notebook_instance", at, "NotebookInstanceStatus", ("Stopping",))
        caller.ask("sagemaker", "delete_notebook_instance", at, wrong=False)

    def jobs(self, caller: Caller) -> None:
        """Try to start some of the jobs that wait; of those that end, take log and output away, and queue others.

        Which the quotas let in run, and are waited for; those they keep out wait on. A job of transform stays listed.
        """
        started = [each for each in (self._started(caller) for _ in range(_ASKED_AT_ONCE)) if each]
        for kind, name in started:
            self._see_through(caller, kind, name)

    def _started(self, caller: Caller) -> tuple[str, str] | None:
        """Return kind and name of the job of the queue that was let in; None if it waits on."""
        with self._lock:
            name = self._queue.popleft()
        kind = caller.choice.choices(("training", "processing", "transform"), (5, 5, 1))[0]
        create, request = self._job(kind, name)
        try:
            caller.ask("sagemaker", create, request, refused=("ResourceLimitExceeded",), wrong=False)
        except BrokenOffError:
            with self._lock:
                self._queue.append(name)
            return None
        with self._lock:
            self._queue.append(f"queued-{self._next}")
            self._next += 1
        return kind, name

    def _see_through(self, caller: Caller, kind: str, name: str) -> None:
        title = {"training": "Training", "processing": "Processing", "transform": "Transform"}[kind]
        at = {f"{title}JobName": name}
        status = self._settle(caller, f"describe_{kind}_job", at, f"{title}JobStatus", ("InProgress",))
        if status != "Completed":
            caller.tally.add("sagemaker", "right", status, seconds=0, fault=f"a {kind} job ended as {status}")
        if kind != "transform":
            caller.ask("sagemaker", f"delete_{kind}_job", at, wrong=False)
        self._tidy(caller, f"/aws/sagemaker/{title}Jobs", name)

    def _job(self, kind: str, name: str) -> tuple[str, dict[str, Any]]:
        cluster = {"InstanceCount": 1, "InstanceType": _SCARCE, "VolumeSizeInGB": 5}
        match kind:
            case "training":
                return "create_training_job", {
                    "TrainingJobName": name,
                    "RoleArn": self._role,
                    "AlgorithmSpecification": {
                        "TrainingImage": IMAGE_URI,
                        "TrainingInputMode": "File",
                        "ContainerEntrypoint": _NOTHING,
                    },
                    "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/{_PREFIX}"},
                    "ResourceConfig": cluster,
                    "StoppingCondition": {"MaxRuntimeInSeconds": 600},
                }
            case "processing":
                return "create_processing_job", {
                    "ProcessingJobName": name,
                    "RoleArn": self._role,
                    "AppSpecification": {"ImageUri": IMAGE_URI, "ContainerEntrypoint": _NOTHING},
                    "ProcessingResources": {"ClusterConfig": cluster},
                }
        source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/pictures.npy"}}
        return "create_transform_job", {
            "TransformJobName": name,
            "ModelName": endpoint.NAME,
            "TransformInput": {"DataSource": source, "ContentType": "application/x-npy"},
            "TransformOutput": {"S3OutputPath": f"s3://{BUCKET}/{_PREFIX}/{name}"},
            "TransformResources": {"InstanceType": _SCARCE, "InstanceCount": 1},
        }

    def _tidy(self, caller: Caller, group: str, job: str) -> None:
        streams = {"logGroupName": group, "logStreamNamePrefix": f"{job}/"}
        found = caller.ask("logs", "describe_log_streams", streams, refused=("ResourceNotFound",), wrong=False)
        for stream in found["logStreams"]:
            gone = {"logGroupName": group, "logStreamName": stream["logStreamName"]}
            caller.ask("logs", "delete_log_stream", gone, wrong=False)
        listed = caller.ask("s3", "list_objects_v2", {"Bucket": BUCKET, "Prefix": f"{_PREFIX}/{job}/"}, wrong=False)
        for each in listed.get("Contents", []):
            caller.ask("s3", "delete_object", {"Bucket": BUCKET, "Key": each["Key"]}, wrong=False)

    def invocations(self, caller: Caller) -> None:
        """Ask the endpoint, now and then with what is wrong."""
        is_wrong = caller.choice.random() < caller.wrong
        if is_wrong:
            request, predictions = caller.choice.choice(self._wrong), None
        else:
            request, predictions = caller.choice.choice(self._right)
        asked = {"EndpointName": endpoint.NAME, "ContentType": request.content_type, "Body": request.body}
        began = time.monotonic()
        client = caller.clients.get("sagemaker-runtime")
        answer, fault = invocations.ask(client, {**asked, **request.more}, predictions)
        told = f"endpoint, {len(request.body)} bytes {request.body[:60]!r}: {fault}" if fault else ""
        kind = "wrong" if is_wrong else "right"
        caller.tally.add("endpoint", kind, answer, seconds=time.monotonic() - began, fault=told)

    def notebooks(self, caller: Caller) -> None:
        """Ask an open notebook's JupyterLab, and SageMaker for its URL."""
        number = caller.choice.randrange(len(self.servers))
        caller.ask("sagemaker", "create_presigned_notebook_instance_url", {"NotebookInstanceName": f"seat-{number:03}"})
        port, token = self.servers[number]
        for path in ("/api/status", "/api/contents/?content=1"):
            if caller.choice.random() < caller.wrong:
                wrong = caller.choice.choice(("/api/contents/none.txt", "/api/kernels/none", "/api/contents/%00", "/%"))
                _ask_jupyter(caller, port, token, wrong, kind="wrong")
            _ask_jupyter(caller, port, token, path, kind="right")

    @staticmethod
    def _settle(caller: Caller, operation: str, at: dict[str, str], member: str, passing: tuple[str, ...]) -> str:
        deadline = time.monotonic() + _SETTLE_SECONDS
        while time.monotonic() < deadline:
            status = str(caller.ask("sagemaker", operation, at)[member])
            if status not in passing:
                return status
            time.sleep(_LOOK_SECONDS)
        return "no end"


def _ask_jupyter(caller: Caller, port: int, token: str, path: str, *, kind: str) -> None:
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", path, headers={"Authorization": f"token {token}"})
        response = connection.getresponse()
        json.loads(response.read() or b"null")
        answer = str(response.status)
        is_ours = response.status >= _OURS or (kind == "right" and response.status != http.client.OK)
        fault = f"JupyterLab answered {path} with {answer}" if is_ours else ""
    except ValueError:
        answer, fault = str(response.status), "" if kind == "wrong" else f"JupyterLab's {path} is no JSON"
    except (OSError, http.client.HTTPException) as error:
        answer, fault = "no answer", f"JupyterLab, {path}: {type(error).__name__}: {error}"
    finally:
        connection.close()
    caller.tally.add("JupyterLab", kind, answer, seconds=time.monotonic() - began, fault=fault)


def by_proxy(clients: dict[str, Any]) -> Callable[[Caller], None]:
    """Return a round that asks AWS's own names by the forward proxy."""

    def ask(caller: Caller) -> None:
        for service, operation in (("sts", "get_caller_identity"), ("s3", "list_buckets")):
            began, answer, fault = time.monotonic(), "200", ""
            try:
                getattr(clients[service], operation)()
            except (ClientError, BotoCoreError) as error:
                answer, fault = type(error).__name__, f"by the forward proxy: {service} {operation}: {error}"
            caller.tally.add("forward proxy", "right", answer, seconds=time.monotonic() - began, fault=fault)

    return ask
