"""Run the SageMaker training toolkit's `train` without loading TensorFlow into the toolkit's own process.

On one host the toolkit needs of TensorFlow the names of its exceptions only (to name a failure after the one that the
script's output shows), and importing it for that costs as much as importing it in the script: about 4.5 s of CPU time,
half of a short job. So those names are read from TensorFlow's source instead. The script's process is not touched.

Of several hosts TensorFlow is told addresses that work here, where no name server knows algo-1 and all hosts share one
machine's ports: what the toolkit writes into TF_CONFIG for MultiWorkerMirroredStrategy, with those in the place of
`algo-1:8890`, `algo-2:8890`, …

The toolkit keeps an archive of programs within its folder; here it keeps to limits too, for the disk is everybody's.

Of a job that is to leave a warm pool, the script's imports are noted; a host of a warm pool has the toolkit and what
was noted imported before its job is there (launch/script.py), and waits for the job's environment, a JSON object, at
the socket that it inherited.

Where the image has everything that requirements.txt asks for, pip is not asked: its look at it takes up to a second.

A container's absolute paths in hyperparameters, `/opt/ml/checkpoints`, are put where they lie when they become the
script's arguments. The script itself is left as it came: who hashes it finds what was sent.
"""

import ast
import asyncio
import importlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import IO, Any

NAME = "tensorflow"
PACKAGE = f"{NAME}.python.framework"
CONTAINER = "sagemaker_tensorflow_container"
BUILDER = "_build_tf_config_for_mwms"
UNPACKER = "_safe_extractall"
SCRIPT = Path(__file__).with_name("script.py")
Output = tuple[int, list[str], "asyncio.subprocess.Process | subprocess.Popen[bytes]"]


def spare_tensorflow() -> None:
    """Stand in for the two modules of TensorFlow that the toolkit imports; nothing if the image has no TensorFlow."""
    found = importlib.util.find_spec(NAME)
    if found is None or not found.submodule_search_locations:
        return
    source = Path(found.submodule_search_locations[0], "python", "framework", "errors_impl.py")
    errors = ModuleType(f"{PACKAGE}.errors_impl")
    for statement in ast.parse(source.read_bytes()).body:
        if isinstance(statement, ast.ClassDef):
            setattr(errors, statement.name, type(statement.name, (Exception,), {}))
    package = ModuleType(PACKAGE)
    package.errors_impl = errors  # type: ignore[attr-defined]
    sys.modules[NAME] = ModuleType(NAME)
    sys.modules[PACKAGE] = package


def address_workers(addresses: dict[str, str]) -> None:
    """Put the hosts' addresses into the TF_CONFIG that the toolkit builds; nothing in another framework's image."""
    if not importlib.util.find_spec(CONTAINER):
        return
    training = importlib.import_module(f"{CONTAINER}.training")
    build = getattr(training, BUILDER)

    def build_with_addresses(hosts: list[str], current_host: str) -> dict[str, Any]:
        config: dict[str, Any] = build(hosts, current_host)
        config["cluster"]["worker"] = [addresses[host] for host in hosts]
        return config

    setattr(training, BUILDER, build_with_addresses)


def ours(module: str) -> ModuleType:
    """A module of the engine, one that needs nothing but Python and what every image has."""
    sys.path.append(str(Path(__file__).parents[3]))
    try:
        return importlib.import_module(f"embedded_aws.runtime.{module}")
    finally:
        sys.path.pop()


def check_archives() -> None:
    """Let the toolkit unpack only what an archive of its size can honestly hold."""
    archives = ours("archives")
    errors = importlib.import_module("sagemaker_training.errors")
    files = importlib.import_module("sagemaker_training.files")
    unpack = getattr(files, UNPACKER)

    def check_and_unpack(tar: tarfile.TarFile, path: str) -> None:
        archive = Path(os.fsdecode(tar.name or ""))
        try:
            archives.check(archive)
        except archives.ArchiveError as error:
            raise errors.ClientError(f"The archive of programs was not unpacked: {error}.") from error
        unpack(tar=tar, path=path)

    setattr(files, UNPACKER, check_and_unpack)


def spare_pip() -> None:
    """Let the toolkit ask pip only for requirements that are not there."""
    modules = importlib.import_module("sagemaker_training.modules")
    install = modules.install_requirements

    def install_what_is_missing(path: str, *arguments: Any, **options: Any) -> None:
        requirements, file = ours("requirements"), Path(path) / "requirements.txt"
        if not requirements.are_met(file):
            install(path, *arguments, **options)
            return
        for each in requirements.wanted(file):
            print(f"Requirement already satisfied: {each}", flush=True)

    modules.install_requirements = install_what_is_missing  # type: ignore[attr-defined]


def relocate_arguments(places: dict[str, str]) -> None:
    """Put paths of the container where they lie here, in what the script is called with."""
    relocate = ours("relocate").relocate
    mapping = importlib.import_module("sagemaker_training.mapping")
    make = mapping.to_cmd_args
    folders = {path: Path(folder) for path, folder in places.items()}
    mapping.to_cmd_args = lambda given: [relocate(argument, folders) for argument in make(given)]  # type: ignore[attr-defined]


class Waiting:
    """A Python that imports ahead what the script will, below the toolkit's own process."""

    def __init__(self, imports: str) -> None:
        """Start it."""
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self._process = subprocess.Popen([sys.executable, SCRIPT, imports], **pipes)  # type: ignore[call-overload]

    async def run(self, command: Sequence[str], *, environment: dict[str, str], folder: str, watch: Any) -> Output:
        """Let it run the script; exit status, output as the toolkit's `watch` gives it, and the process."""
        orders = {"environment": dict(environment), "folder": folder, "command": list(command)}
        stdin, stdout, stderr = self._process.stdin, self._process.stdout, self._process.stderr
        stdin.write(json.dumps(orders).encode() + b"\n")
        stdin.close()
        heed_no_end()
        output = await asyncio.gather(*[watch(await _reader(pipe)) for pipe in (stdout, stderr)])
        return self._process.wait(), output, self._process


async def _reader(pipe: IO[bytes]) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader


def note_imports(imports: str, waiting: Waiting | None) -> None:
    """Let the toolkit run a Python script so that its imports are noted, by the Python that waits if there is one."""
    process = importlib.import_module("sagemaker_training.process")
    run = process.run_async

    async def run_script(command: list[str], processes: int, *, error_classes: Any = None, **how: Any) -> Output:
        python, marker, *script = command
        # A program that is no Python script, or runs as a module; one whose stderr the toolkit leaves alone.
        usual = (python, marker) != (sys.executable, "--") or how["stderr"] is None
        if waiting and not usual:
            watch = partial(process.watch, proc_per_host=processes, error_classes=error_classes)
            return await waiting.run(script, environment=how["env"], folder=how["cwd"], watch=watch)
        command = command if usual else [python, str(SCRIPT), imports, *script]
        output: Output = await run(command, processes, error_classes=error_classes, **how)
        return output

    process.run_async = run_script  # type: ignore[attr-defined]


def environment_of_job(orders: socket.socket) -> dict[str, str]:
    """What the job's environment is to be, once there is one; ends the process if there won't be."""
    with orders.makefile("rb") as said:
        wanted = said.read()
    if not wanted:
        sys.exit()
    environment: dict[str, str] = json.loads(wanted)
    return environment


def wait_for_job() -> Waiting:
    """Import the toolkit and what the last job's script did, until there is a job."""
    waiting = Waiting(os.environ["SAGEMAKER_JOB_IMPORTS"])
    importlib.import_module("sagemaker_training.cli.train")
    importlib.import_module(os.environ["SAGEMAKER_TRAINING_MODULE"].partition(":")[0])
    environment = environment_of_job(socket.socket(fileno=int(os.environ["SAGEMAKER_JOB_ORDERS"])))
    os.environ.clear()
    os.environ.update(environment)
    return waiting


def outlive_the_script() -> None:
    """Let SIGTERM end the script only, once there is one, so that what it prints until then is read.

    A container's first process has no default for signals: the toolkit, which handles none, goes on there, too. Before
    the script begins a signal ends all, though: nobody waits for a script that would not hear of it any more.
    """
    begin = asyncio.create_subprocess_exec

    async def begin_and_outlive(*command: Any, **options: Any) -> Any:
        child = await begin(*command, **options)
        heed_no_end()
        return child

    asyncio.create_subprocess_exec = begin_and_outlive


def heed_no_end() -> None:
    """Go on after SIGTERM. A handler, unlike an ignored signal, is not passed on to what is started."""
    signal.signal(signal.SIGTERM, lambda *_: None)


if __name__ == "__main__":
    spare_tensorflow()
    ahead = wait_for_job() if "SAGEMAKER_JOB_ORDERS" in os.environ else None
    outlive_the_script()
    check_archives()
    spare_pip()
    if noted := os.environ.get("SAGEMAKER_JOB_IMPORTS"):
        note_imports(noted, ahead)
    relocate_arguments(json.loads(os.environ["SAGEMAKER_JOB_PLACES"]))
    address_workers(json.loads(os.environ["SAGEMAKER_JOB_HOSTS"]))
    from sagemaker_training.cli.train import main  # type: ignore[import-not-found]  # in the image only

    main()
