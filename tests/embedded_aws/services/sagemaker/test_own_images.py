"""Images of one's own, run by the user's Docker, here a stand-in: AWS's contract, and that nothing is left of them."""

from __future__ import annotations

import contextlib
import io
import ipaddress
import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import psutil
import pytest

from cli import paths
from cli.programs import tool_environment
from embedded_aws import gateway
from embedded_aws.runtime.docker import networks
from embedded_aws.runtime.docker.container import DockerContainer
from embedded_aws.runtime.docker.engine import DockerImage, Engine, EngineError, Machine
from embedded_aws.runtime.docker.networks import Networks, ServerNetwork
from tests.embedded_aws.account import BUCKET, Account, archive, sinks, source, until
from tests.embedded_aws.docker_stand_in import DockerStandIn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.embedded_aws.docker_stand_in import Ran

REGISTRY = f"{gateway.ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com"
IMAGE = f"{REGISTRY}/bricks/counter:1.0"
# Counts, if it is called `train`, serves if it is called `serve`, and copies what it is to process.
PROGRAM = """
import http.server, json, os, pathlib, shutil, signal, sys, time, urllib.request

ml = pathlib.Path(os.environ["ROOT"], "opt/ml")

def role():
    token = {"Authorization": os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]}
    url = os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
    with urllib.request.urlopen(urllib.request.Request(url, headers=token)) as answer:
        return json.load(answer)["RoleArn"]

def train():
    config = ml / "input/config"
    wanted = json.loads((config / "hyperparameters.json").read_text())
    if wanted.get("fail"):
        (ml / "output/failure").write_text("There are no bricks.")
        sys.exit(3)
    if wanted.get("memory"):
        os.kill(os.getpid(), signal.SIGKILL)
    print("as", role() if "AWS_CONTAINER_CREDENTIALS_FULL_URI" in os.environ else "nobody")
    print("host", json.loads((config / "resourceconfig.json").read_text())["current_host"], os.environ["LINES"])
    count = sum(len(path.read_bytes()) for path in (ml / "input/data/train").iterdir())
    def save(*_):
        (ml / "model/count").write_text(str(count))
        sys.exit(0)
    signal.signal(signal.SIGTERM, save)
    print("counting")
    while wanted.get("endless"):
        time.sleep(0.05)
    save()

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/ping" else 404)
        self.end_headers()
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body == b"die":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = b"%d %s" % (len(body), (ml / "model/name").read_bytes())
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
    def log_message(self, *_):
        pass

if sys.argv[1:2] == ["train"]:
    train()
elif sys.argv[1:] == ["serve"]:
    print("serving")
    http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
else:
    shutil.copytree(ml / "processing/in", ml / "processing/out", dirs_exist_ok=True)
    print("processed", *sys.argv[1:])
"""


@pytest.fixture(scope="module")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerStandIn]:
    """A Docker that has the image."""
    made = DockerStandIn(tmp_path_factory.mktemp("docker"))
    made.local[IMAGE] = PROGRAM
    yield made
    made.close()


@pytest.fixture(scope="module")
def start(docker: DockerStandIn, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., gateway.Gateway]:
    """Starts an embedded AWS of this module's, where that Docker is."""
    home = tmp_path_factory.mktemp("aws")
    environment = {**tool_environment(), **docker.environment}
    environment["PATH"] = os.pathsep.join([docker.path, environment["PATH"]])

    def begin(**options: Any) -> gateway.Gateway:
        return gateway.start(
            home, cache=paths.cache(), environment=environment, pace=0.1, port=0, owner=os.getpid(), **options
        )

    return begin


@pytest.fixture(scope="module")
def running(start: Callable[..., gateway.Gateway]) -> Iterator[gateway.Gateway]:
    """The embedded AWS that may ask it."""
    started = start(containers="docker")
    yield started
    gateway.stop(Path(started.admin_token).parent)


@pytest.fixture(scope="module")
def own(running: gateway.Gateway) -> Account:
    """An account of it."""
    session: Any = boto3.Session("test", "test", region_name=gateway.REGION)
    return Account(lambda service: session.client(service, endpoint_url=running.url))


def train(account: Account, image: str = IMAGE, **request: Any) -> str:
    """Start a training job of an image, with three bytes to count; its name."""
    uri = account.put("counted/bytes", b"abc")
    data = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}
    algorithm = {"TrainingImage": image, **request.pop("algorithm", {})}
    return account.start_job(
        algorithm=algorithm,
        InputDataConfig=[{"ChannelName": "train", "DataSource": data}],
        Environment={"LINES": "one\ntwo"},
        **request,
    )


def serve(account: Account) -> str:
    """Create an endpoint of the image, with one instance; its name."""
    uri = account.put("served/model.tar.gz", archive({"name": b"counter"}))
    name = f"model-{os.urandom(4).hex()}"
    container = {"Image": IMAGE, "ModelDataUrl": uri}
    account.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=account.role)
    return account.endpoint(account.config(name))


def last(docker: DockerStandIn) -> Ran:
    """What was run last."""
    return docker.ran[-1]


def test_training_is_docker_run_train_with_awss_contract(own: Account, docker: DockerStandIn) -> None:
    """It reads its configuration and its data below /opt/ml, acts as its role, leaves a model, and nothing else."""
    ended = own.end_of(train(own))
    assert ended["TrainingJobStatus"] == "Completed", ended
    content = own.get(ended["ModelArtifacts"]["S3ModelArtifacts"])
    with tarfile.open(fileobj=io.BytesIO(content)) as model:
        counted = model.extractfile("count")
        assert counted
        assert counted.read() == b"3"
    lines = own.lines("/aws/sagemaker/TrainingJobs", ended["TrainingJobName"])
    assert lines == [f"as {own.role}", "host algo-1 one", "two", "counting"]
    ran = last(docker)
    assert ran.arguments == ["train"]
    assert ran.mounts["/opt/ml"] == "z"
    assert ran.options["--memory"]
    assert float(ran.options["--cpus"]) <= 2
    assert docker.containers == {}


def test_a_container_may_little_and_tells_no_secret(own: Account, docker: DockerStandIn) -> None:
    """It has no capability but those of a root over its files, gains none, and its token is in no command line."""
    own.end_of(train(own))
    ran = last(docker)
    assert ran.options["--cap-drop"] == ["ALL"]
    assert set(ran.options["--cap-add"]) == {"CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"}
    assert ran.options["--security-opt"] == ["no-new-privileges"]
    assert ran.options["--pull"] == "never"
    assert not any(ran.environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] in word for word in ran.words)
    assert "AWS_CA_BUNDLE" in ran.environment
    assert ran.mounts[ran.environment["AWS_CA_BUNDLE"]] == "ro,z"


def test_a_failing_container_gives_the_reason(own: Account) -> None:
    """What it wrote into output/failure, and its exit status."""
    ended = own.end_of(train(own, HyperParameters={"fail": "yes"}))
    assert ended["FailureReason"] == "AlgorithmError: There are no bricks., exit code: 3"


def test_too_much_memory_is_told_as_aws_does(own: Account) -> None:
    """Docker says of a container's end that the kernel killed it for want of memory."""
    ended = own.end_of(train(own, HyperParameters={"memory": "all"}))
    assert ended["FailureReason"].startswith("ClientError: Please use an instance type with more memory")


def test_a_stopped_job_has_two_minutes_to_save(own: Account, docker: DockerStandIn) -> None:
    """`docker stop -t 120`: it hears SIGTERM, and what it saves then is the model."""
    job = train(own, HyperParameters={"endless": "yes"})
    until(lambda: "counting" in own.printed("/aws/sagemaker/TrainingJobs", job))
    own.sagemaker.stop_training_job(TrainingJobName=job)
    ended = own.end_of(job)
    assert ended["TrainingJobStatus"] == "Stopped"
    assert "ModelArtifacts" in ended
    assert ["stop", "-t", "120"] in [call[:3] for call in docker.calls]
    assert docker.containers == {}


def test_an_entrypoint_takes_the_images_own_ones_place(own: Account, docker: DockerStandIn) -> None:
    """ContainerEntrypoint's first word is --entrypoint, all others come after the image."""
    algorithm = {"ContainerEntrypoint": ["python3", "-c"], "ContainerArguments": ["print('mine')"]}
    ended = own.end_of(train(own, algorithm=algorithm))
    assert ended["TrainingJobStatus"] == "Completed", ended
    assert own.lines("/aws/sagemaker/TrainingJobs", ended["TrainingJobName"]) == ["mine"]
    assert (last(docker).options["--entrypoint"], last(docker).arguments) == ("python3", ["-c", "print('mine')"])


def test_a_program_that_is_not_in_the_image_fails_the_job(own: Account) -> None:
    """Docker's words are in the log, its status in the reason."""
    ended = own.end_of(train(own, algorithm={"ContainerEntrypoint": ["learn"]}))
    assert ended["FailureReason"] == "AlgorithmError: See job logs for more information, exit code: 127"
    [line] = own.lines("/aws/sagemaker/TrainingJobs", ended["TrainingJobName"])
    assert 'exec: "learn": executable file not found' in line


def test_several_hosts_know_each_other_by_name(own: Account, docker: DockerStandIn) -> None:
    """Each has the others' names and addresses, as they share this machine's network."""
    before = len(docker.ran)
    cluster = {"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}
    ended = own.end_of(train(own, ResourceConfig=cluster))
    assert ended["TrainingJobStatus"] == "Completed", ended
    first, second = docker.ran[before:]
    assert {first.options["--hostname"], second.options["--hostname"]} == {"algo-1", "algo-2"}
    assert first.options["--network"] == "host"
    assert first.options["--add-host"] == second.options["--add-host"]
    assert [each.partition(":")[0] for each in first.options["--add-host"]] == ["algo-1", "algo-2"]


def test_network_isolation_is_no_network(own: Account, docker: DockerStandIn) -> None:
    """There is none, nor any credentials; several hosts would need one, and are refused."""
    ended = own.end_of(train(own, EnableNetworkIsolation=True))
    assert ended["TrainingJobStatus"] == "Completed", ended
    assert last(docker).options["--network"] == "none"
    assert "as nobody" in own.lines("/aws/sagemaker/TrainingJobs", ended["TrainingJobName"])
    cluster = {"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}
    refused = own.end_of(train(own, EnableNetworkIsolation=True, ResourceConfig=cluster))
    assert "Several hosts in network isolation are not offered for images of one's own" in refused["FailureReason"]


def test_an_image_is_pulled_once(own: Account, docker: DockerStandIn) -> None:
    """One that is there is taken as it is; another is pulled, with the user's own login."""
    image = f"{REGISTRY}/bricks/pulled:1.0"
    docker.registry[image] = PROGRAM
    for _ in range(2):
        assert own.end_of(train(own, image))["TrainingJobStatus"] == "Completed"
    assert [call for call in docker.calls if call[0] == "pull"] == [["pull", "--quiet", image]]


def test_an_image_that_is_not_there_is_refused_as_by_aws(own: Account) -> None:
    """With the engine's own words."""
    ended = own.end_of(train(own, f"{REGISTRY}/bricks/counter:2.0"))
    assert ended["FailureReason"] == (
        "ClientError: Cannot pull algorithm container. Either the image does not exist or its permissions are "
        f"incorrect. Error response from daemon: manifest for {REGISTRY}/bricks/counter:2.0 not found: manifest "
        "unknown: Requested image not found"
    )


def test_a_daemon_that_does_not_run_is_named(own: Account, docker: DockerStandIn) -> None:
    """In its program's words."""
    docker.stop()
    try:
        ended = own.end_of(train(own))
    finally:
        docker.start()
    assert "Cannot connect to the Docker daemon at unix://" in ended["FailureReason"]


def test_processing_runs_the_images_own_entrypoint(own: Account, docker: DockerStandIn) -> None:
    """Without ContainerEntrypoint, with its arguments; inputs and outputs lie below /opt/ml/processing."""
    name = f"prep-{os.urandom(4).hex()}"
    own.sagemaker.create_processing_job(
        ProcessingJobName=name,
        RoleArn=own.role,
        AppSpecification={"ImageUri": IMAGE, "ContainerArguments": ["all", "of it"]},
        ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}},
        ProcessingInputs=[source("in", own.put("raw/one", b"1"), "/opt/ml/processing/in")],
        ProcessingOutputConfig=sinks(out=f"s3://{BUCKET}/cooked"),
    )
    ended = own.processed(name)
    assert ended["ProcessingJobStatus"] == "Completed", ended
    assert own.get(f"s3://{BUCKET}/cooked/one") == b"1"
    assert own.lines("/aws/sagemaker/ProcessingJobs", name) == ["processed all of it"]
    assert "--entrypoint" not in last(docker).options
    assert docker.containers == {}


def test_an_endpoint_is_docker_run_serve(own: Account, docker: DockerStandIn) -> None:
    """It answers /ping and /invocations on its port 8080, its model is read-only; one that dies is replaced."""
    name = serve(own)
    assert own.settled(name)["EndpointStatus"] == "InService", own.settled(name)
    answer = own.runtime.invoke_endpoint(EndpointName=name, Body=b"four")["Body"].read()
    assert answer == b"4 counter"
    ran = last(docker)
    assert ran.arguments == ["serve"]
    assert ran.mounts["/opt/ml/model"] == "ro,z"
    assert "/opt/ml" not in ran.mounts
    assert ran.options["--publish"].startswith("127.0.0.1:")
    assert ran.options["--publish"].endswith(":8080")
    until(lambda: own.printed(f"/aws/sagemaker/Endpoints/{name}", "")[-1:] == ["serving"])
    with pytest.raises(own.runtime.exceptions.ModelError):
        own.runtime.invoke_endpoint(EndpointName=name, Body=b"die")

    def answers_again() -> bool:
        with contextlib.suppress(own.runtime.exceptions.ModelError):
            return last(docker) is not ran and bool(own.runtime.invoke_endpoint(EndpointName=name, Body=b"!"))
        return False

    until(answers_again)
    own.sagemaker.delete_endpoint(EndpointName=name)
    until(lambda: not docker.containers)


def test_a_transform_job_asks_a_server_of_its_own(own: Account, docker: DockerStandIn) -> None:
    """Each object is sent to the container, which ends with the job."""
    uri = own.put("served/model.tar.gz", archive({"name": b"counter"}))
    model = f"model-{os.urandom(4).hex()}"
    container = {"Image": IMAGE, "ModelDataUrl": uri}
    own.sagemaker.create_model(
        ModelName=model, PrimaryContainer=container, ExecutionRoleArn=own.role, EnableNetworkIsolation=True
    )
    own.put("batch/one", b"12345")
    own.sagemaker.create_transform_job(
        TransformJobName=model,
        ModelName=model,
        TransformInput={"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/batch/"}}},
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/transformed"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
    described = own.sagemaker.describe_transform_job
    until(lambda: described(TransformJobName=model)["TransformJobStatus"] in ("Completed", "Failed"))
    assert described(TransformJobName=model)["TransformJobStatus"] == "Completed"
    assert own.get(f"s3://{BUCKET}/transformed/one.out") == b"5 counter"
    network = last(docker).options["--network"]
    assert "com.docker.network.bridge.enable_ip_masquerade=false" in docker.networks[network]
    assert docker.containers == {}


def test_status_tells_who_may_run_them(running: gateway.Gateway) -> None:
    """Whoever looks sees that an engine is asked; another choice has to wait for a stop."""
    home = str(Path(running.admin_token).parent)

    def command(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "embedded_aws", *words], capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    assert "with docker for images of your own" in command("status", "--state", home)
    assert "runs already" in command("start", "--state", home, "--containers", "none")


def test_without_leave_an_image_of_ones_own_is_refused(account: Account) -> None:
    """The reason says what would allow it."""
    ended = account.end_of(train(account))
    assert ended["FailureReason"].startswith("ClientError: Cannot pull algorithm container.")
    assert IMAGE in ended["FailureReason"]
    assert "--containers docker" in ended["FailureReason"]


def test_an_engine_that_is_not_there_is_not_started_with(tmp_path: Path) -> None:
    """The sentence says which program was not found."""
    environment = {**tool_environment(), "PATH": ""}
    with pytest.raises(gateway.GatewayError, match="The program `podman` was not found on the PATH"):
        gateway.start(tmp_path, cache=paths.cache(), environment=environment, port=0, containers="podman")


def test_what_a_killed_one_left_is_removed_at_the_next_start(
    own: Account, docker: DockerStandIn, running: gateway.Gateway, start: Callable[..., gateway.Gateway]
) -> None:
    """Its containers outlive it, as Docker's do; the next one still may ask Docker, and removes them first."""
    job = train(own, HyperParameters={"endless": "yes"})
    until(lambda: "counting" in own.printed("/aws/sagemaker/TrainingJobs", job))
    os.kill(running.pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(running.pid)], timeout=10)
    assert len(docker.containers) == 1
    again = start()
    assert again.containers == "docker"
    assert docker.containers == {}


def test_what_the_containers_root_leaves_is_given_to_the_user(
    docker: DockerStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else neither could its model be read nor its folder be removed."""
    engine = Engine("docker", str(tmp_path), {**docker.environment, "PATH": docker.path})
    container = DockerContainer(tmp_path / "one", DockerImage(IMAGE, ""), engine, Networks(engine), "ml.m5.large")
    (container.ml / "input" / "config").mkdir(parents=True)
    (container.ml / "input" / "config" / "hyperparameters.json").write_text(json.dumps({"fail": "yes"}))
    (container.ml / "output").mkdir()
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    command = container.command(["", "train"], host="algo-1", addresses={"algo-1": "127.0.0.1"})
    process = container.launch(command, environment={}, folder=container.ml)
    assert [*process.lines()] == []
    assert process.wait() == 3
    assert docker.calls[-1][-6:-3] == ["--entrypoint", "chown", IMAGE]
    assert docker.calls[-1][-2].startswith("4711:")


def test_a_path_with_a_colon_mounts_nothing_else(docker: DockerStandIn, tmp_path: Path) -> None:
    """It could say how something is mounted, or what: the job fails instead."""
    engine = Engine("docker", str(tmp_path), {**docker.environment, "PATH": docker.path})
    container = DockerContainer(tmp_path / "one", DockerImage(IMAGE, ""), engine, Networks(engine), "ml.m5.large")
    container.local_path("/data:/etc")
    command = container.command(["", "train"], host="algo-1", addresses={})
    with pytest.raises(EngineError, match="has a colon"):
        container.launch(command, environment={}, folder=container.ml)


@pytest.fixture
def relayed(docker: DockerStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Networks:
    """The networks of an engine, whose gateway is another loopback address."""
    if sys.platform != "linux":
        pytest.skip("there is one loopback address elsewhere")
    monkeypatch.setattr(networks, "_ADDRESS", "127.0.0.2")
    return Networks(Engine("docker", str(tmp_path), {**docker.environment, "PATH": docker.path}))


def test_a_servers_network_leads_to_the_embedded_aws(
    docker: DockerStandIn, relayed: Networks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes to its gateway goes to the same port of the loopback address; not what comes from elsewhere."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert relayed.of_server([port], isolated=False) == ServerNetwork(("--network", "embedded-aws"), "127.0.0.2")
        with socket.create_connection(("127.0.0.2", port)) as connection:
            assert connection.recv(1) == b""
        monkeypatch.setattr(networks, "_SUBNET", ipaddress.ip_network("127.0.0.0/8"))
        with socket.create_connection(("127.0.0.2", port)) as connection:
            taken, _ = listening.accept()
            with taken:
                connection.sendall(b"hello")
                assert taken.recv(5) == b"hello"
    assert "169.254.170.0/24" in docker.networks["embedded-aws"]
    relayed.close()
    assert "embedded-aws" not in docker.networks


def test_a_network_that_no_server_used_is_gone_too(docker: DockerStandIn, relayed: Networks) -> None:
    """Its end leaves no error behind where there is no connection to end."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        relayed.of_server([listening.getsockname()[1]], isolated=False)
    relayed.close()
    assert "embedded-aws" not in docker.networks


def test_podman_tells_of_itself_in_its_own_words(tmp_path: Path) -> None:
    """One that is not root's brings the ports of the embedded AWS into its servers' own loopback."""
    podman = tmp_path / "podman"
    about = {"host": {"cpus": 3, "memTotal": 4096, "security": {"rootless": True}}}
    podman.write_text(f"#!/bin/sh\necho '{json.dumps(about)}'\n")
    podman.chmod(0o755)
    engine = Engine("podman", str(tmp_path), {"PATH": str(tmp_path)})
    assert engine.machine() == Machine(3, 4096, rootless=True)
    network = Networks(engine).of_server([4567, 4566], isolated=False)
    assert network == ServerNetwork(("--network", "pasta:-T,4566,-T,4567"))
