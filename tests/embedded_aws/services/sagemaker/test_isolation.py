"""A job is alone in its sandbox: it finds AWS's places, and nothing of another job's, of the user's, of the machine's.

Where the kernel lets nobody make a sandbox there is none to test; `tests/embedded_aws/runtime/test_container.py` has
what a container is there.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from embedded_aws import gateway
from embedded_aws.admin_token import HEADER
from tests.embedded_aws.account import BUCKET, Account, files_of, needs_sandbox, python, sinks, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from embedded_aws.gateway import Gateway

pytestmark = needs_sandbox

GROUP = "/aws/sagemaker/TrainingJobs"
SECRET = "what nobody else may read"  # noqa: S105 - it is only called so
DOORS = [
    "/_ministack/reset",
    "/_ministack/config",
    "/_ministack/sqs/messages",
    f"/_embedded_aws/accounts/{gateway.ACCOUNT}/close",
]
# Walks all that it may, as `find / -xdev` does, and looks into what is small.
BURGLAR = """
import http.client, json, os, pathlib, signal, socket, sys, urllib.error, urllib.request

found, tried = [], {}
for folder, folders, names in os.walk("/"):
    folders[:] = [each for each in folders if os.path.join(folder, each) not in ("/proc", "/sys", "/usr", "/dev")]
    for name in names:
        path = os.path.join(folder, name)
        if os.path.isfile(path) and os.path.getsize(path) < 100000 and SECRET.encode() in open(path, "rb").read():
            found.append(path)

def attempt(name, act):
    try:
        tried[name] = repr(act())
    except OSError as error:
        tried[name] = type(error).__name__

for path in PATHS:
    attempt("read " + path, lambda: os.listdir(path) if os.path.isdir(path) else open(path).read())
attempt("kill", lambda: os.kill(GATEWAY, signal.SIGKILL))
attempt("write", lambda: open("/usr/bin/burglar", "w"))
attempt("image", lambda: open(os.path.join(os.path.dirname(json.__file__), "burglar.py"), "w"))
attempt("mount", lambda: os.mkdir("/proc/burglar"))
attempt("passwd", lambda: open("/etc/shadow").read())

def asked(path, method="POST", **headers):
    request = urllib.request.Request(path if "://" in path else URL + path, method=method, headers=headers)
    try:
        return urllib.request.urlopen(request, timeout=30).status
    except urllib.error.HTTPError as error:
        return error.code

def tunnelled():
    connection = http.client.HTTPConnection("127.0.0.1", PROXY, timeout=30)
    connection.request("CONNECT", URL.removeprefix("http://"))
    return connection.getresponse().status

ways = [(method, headers) for method in ("GET", "POST") for headers in ({}, {TOKEN: "guess"})]
for path in DOORS:
    attempt(path, lambda: [asked(path, method, **headers) for method, headers in ways])
credentials = os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
attempt("another's credentials", lambda: [asked(credentials, "GET", Authorization=guess) for guess in ("", "guess")])
attempt("proxy", tunnelled)
processes = [int(name) for name in os.listdir("/proc") if name.isdigit()]
print("REPORT " + json.dumps({
    "found": found, "tried": tried, "processes": len(processes), "host": socket.gethostname(),
    "user": os.getuid(), "home": os.path.expanduser("~"), "temporary": __import__("tempfile").gettempdir(),
    "python": sys.executable, "environment": dict(os.environ),
}))
"""


@pytest.fixture(scope="module")
def burglar(account: Account, embedded: Gateway, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a program tells that looked around, while another job ran, for a secret of that one's and of the user's."""
    diary = tmp_path_factory.mktemp("home") / "diary"
    diary.write_text("mine")
    other = account.start_job(
        program=f"""
import pathlib, time
pathlib.Path("/opt/ml/output/data/note").write_text({SECRET[:4]!r} + {SECRET[4:]!r})
pathlib.Path("/tmp/note").write_text({SECRET[:4]!r} + {SECRET[4:]!r})
print("written")
time.sleep(600)
"""
    )
    until(lambda: "written" in account.printed(GROUP, other))
    home = os.path.expanduser("~")  # noqa: PTH111 - as a program asks
    paths = [str(diary), home, str(diary.parents[1]), os.getcwd(), f"/proc/{embedded.pid}/environ"]  # noqa: PTH109
    paths.append(embedded.admin_token)
    doors = [*DOORS, f"/_embedded_aws/training-jobs/{other}/interrupt"]
    head = (
        f"SECRET = {SECRET[:4]!r} + {SECRET[4:]!r}\nPATHS = {paths!r}\nGATEWAY = {embedded.pid}\nDOORS = {doors!r}\n"
        f"URL, PROXY, TOKEN = {embedded.url!r}, {embedded.proxy}, {HEADER!r}\n"
    )
    job = account.start_job(program=head + BURGLAR)
    ended = account.end_of(job)
    transitions = account.sagemaker.describe_training_job(TrainingJobName=other)["SecondaryStatusTransitions"]
    account.sagemaker.stop_training_job(TrainingJobName=other)
    lines = account.lines(GROUP, job)
    assert ended["TrainingJobStatus"] == "Completed", lines
    [report] = [line.removeprefix("REPORT ") for line in lines if line.startswith("REPORT ")]
    other_went = [each["Status"] for each in transitions]
    return {**json.loads(report), "paths": paths, "doors": doors, "other": other_went}


def test_finds_nothing_of_others(burglar: dict[str, Any]) -> None:
    """Neither another job's files, nor its /tmp, nor the user's home, the checkout, the gateway's environment."""
    assert burglar["found"] == []
    for path in burglar["paths"]:
        read = burglar["tried"][f"read {path}"]
        # Of a home there may be the way to an interpreter in it, and nothing besides; /root is the job's own home.
        assert read in ("FileNotFoundError", "NotADirectoryError") or "diary" not in read


def test_changes_nothing(burglar: dict[str, Any], embedded: Gateway) -> None:
    """System and interpreter are read-only, no process of the machine's is there, and the gateway lives."""
    tried = burglar["tried"]
    assert tried["kill"] == "ProcessLookupError"
    assert {tried[name] for name in ("write", "image")} == {"OSError"}
    assert tried["passwd"] == "FileNotFoundError"  # noqa: S105 - a file's name
    assert burglar["processes"] < 6
    assert psutil.pid_exists(embedded.pid)


def test_commands_nothing(burglar: dict[str, Any], embedded: Gateway) -> None:
    """What could reset the embedded AWS, close its account or end the other's job answers only to who has the token."""
    tried = burglar["tried"]
    for path in burglar["doors"]:
        assert tried[path] == "[403, 403, 403, 403]", path
    assert tried["another's credentials"] == "[403, 403]"
    assert tried["proxy"] == "403"
    assert burglar["other"] == ["Starting", "Downloading", "Training"]
    assert embedded.read_admin_token() not in burglar["environment"].values()


def test_is_where_aws_has_it(burglar: dict[str, Any]) -> None:
    """Root on a host of its name, with /root, /tmp and a Python below /usr/local; nothing tells of the machine."""
    assert (burglar["host"], burglar["user"]) == ("algo-1", 0)
    assert (burglar["home"], burglar["temporary"]) == ("/root", "/tmp")  # noqa: S108 - the container's
    assert burglar["python"] == "/usr/local/bin/python"
    assert burglar["environment"]["SAGEMAKER_BASE_DIR"] == "/opt/ml"


def test_a_path_from_parts_is_right(account: Account) -> None:
    """A program that no rewriting could reach writes its model where every job has it."""
    job = account.train(entrypoint=python("open('/opt' + '/ml' + '/model/a', 'w').write('b')"))
    assert files_of(account.get(job["ModelArtifacts"]["S3ModelArtifacts"])) == {"a": b"b"}


def test_a_failure_names_aws_s_paths(account: Account) -> None:
    """The traceback in the log and the FailureReason are what they would be on AWS."""
    program = """
import pathlib
try:
    pathlib.Path("/opt/ml/input/data/none").read_text()
except FileNotFoundError as error:
    pathlib.Path("/opt/ml/output/failure").write_text(str(error))
    raise
"""
    job = account.start_job(program=program)
    reason = account.end_of(job)["FailureReason"]
    assert reason == "AlgorithmError: [Errno 2] No such file or directory: '/opt/ml/input/data/none', exit code: 1"
    assert '  File "/opt/ml/input/data/code/program.py", line 4, in <module>' in account.lines(GROUP, job)


def test_no_log_tells_where_this_machine_has_its_python(account: Account, embedded: Gateway) -> None:
    """Neither a traceback through Python's own modules, nor what the toolkit says of its environment."""
    job = account.start_job(HyperParameters=account.source({"train.py": b"import json\njson.loads('{')"}))
    assert account.end_of(job)["TrainingJobStatus"] == "Failed"
    lines = account.lines(GROUP, job)
    assert [line for line in lines if "/json/decoder.py" in line]
    assert not [line for line in lines if any(each in line for each in (str(Path.home()), embedded.cache, "/tmp/py"))]  # noqa: S108


def test_hosts_know_each_other_by_etc_hosts(account: Account) -> None:
    """Every program finds them, not only Python's; each answers its own name."""
    words = ["bash", "-c", 'getent hosts algo-1 algo-2 | wc -l >"/opt/ml/processing/made/$(hostname)"']
    job = account.process(
        b"",
        cluster={"InstanceCount": 2},
        program={"ContainerEntrypoint": words},
        ProcessingOutputConfig=sinks(made=f"s3://{BUCKET}/host-names"),
    )
    assert job["ProcessingJobStatus"] == "Completed", job
    assert {key: account.get(f"s3://{BUCKET}/{key}").strip() for key in account.keys("host-names/")} == {
        "host-names/algo-1": b"2",
        "host-names/algo-2": b"2",
    }


def test_network_isolation_leaves_the_loopback(account: Account, embedded: Gateway) -> None:
    """Neither the gateway nor anything else of the machine is reached, and nothing listens to the outside."""
    program = f"""
import os, socket
print("interfaces " + " ".join(sorted(name for _, name in socket.if_nameindex())))
try:
    socket.create_connection(("127.0.0.1", {embedded.port}), 5)
except OSError as error:
    print("gateway " + type(error).__name__)
"""
    job = account.start_job(program=program, EnableNetworkIsolation=True)
    assert account.end_of(job)["TrainingJobStatus"] == "Completed"
    lines = account.lines(GROUP, job)
    assert "interfaces lo" in lines
    assert "gateway ConnectionRefusedError" in lines


def test_what_it_left_in_the_background_ends_with_it(account: Account) -> None:
    """A daemon that has left session and parents behind."""
    seconds = 100_000 + time.time_ns() % 100_000
    command = f"setsid sh -c 'setsid sleep {seconds} &' & sleep 0.5"
    ended = account.train(entrypoint=["bash", "-c", command])
    assert ended["TrainingJobStatus"] == "Completed", ended
    assert not [each for each in psutil.process_iter(["cmdline"]) if str(seconds) in (each.info["cmdline"] or [])]


def test_an_endpoint_s_handlers_are_alone_too(
    account: Account, saved_model: Callable[[float], dict[str, bytes]], tmp_path: Path
) -> None:
    """They see /opt/ml/model, and no file of the user's."""
    (tmp_path / "note").write_text(SECRET)
    handlers = f"""
import json, os, socket

def handler(data, context):
    seen = [os.path.exists({str(tmp_path)!r}), sorted(os.listdir("/opt/ml/model")), socket.gethostname()]
    return json.dumps(seen), "application/json"
"""
    model = account.model({**saved_model(1.0), "code/inference.py": handlers.encode()})
    answer = account.invoke(account.endpoint(account.config(model)), {})
    assert answer == [False, ["1", "code"], "model.aws.local"]


def test_an_instance_s_memory_is_the_limit(account: Account) -> None:
    """A job that wants more than an ml.t3.medium has fails with AWS's sentence, and the machine is none the worse."""
    resources = {"InstanceCount": 1, "InstanceType": "ml.t3.medium", "VolumeSizeInGB": 5}
    grow = python("[*iter(lambda: b'x' * 50_000_000, None)]")
    ended = account.train(entrypoint=grow, ResourceConfig=resources)
    assert ended["FailureReason"] == (
        "ClientError: Please use an instance type with more memory, "
        "or reduce the size of job data processed on an instance."
    )
