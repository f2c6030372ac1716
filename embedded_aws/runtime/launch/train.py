"""Run the SageMaker training toolkit's `train` without loading TensorFlow into the toolkit's own process.

On one host the toolkit needs of TensorFlow the names of its exceptions only (to name a failure after the one that the
script's output shows), and importing it for that costs as much as importing it in the script: about 4.5 s of CPU time,
half of a short job. So those names are read from TensorFlow's source instead. The script's process is not touched.

Where several hosts have no network of their own, TensorFlow is told addresses that work, for no name server knows
algo-1 and all hosts share one machine's ports: what the toolkit writes into TF_CONFIG for
MultiWorkerMirroredStrategy, with those in the place of `algo-1:8890`, `algo-2:8890`, …

The toolkit keeps an archive of programs within its folder; here it keeps to limits too, for the disk is everybody's.

Where the image has everything that requirements.txt asks for, pip is not asked: its look at it takes up to a second.

A container's absolute paths in hyperparameters, `/opt/ml/checkpoints`, are put where they lie when they become the
script's arguments. The script itself is left as it came: who hashes it finds what was sent.

A job that is to leave a warm pool, or runs in one, is also made ready by warmstart/toolkit.py.
"""

import ast
import asyncio
import importlib
import importlib.util
import json
import os
import signal
import sys
import tarfile
from pathlib import Path
from types import ModuleType
from typing import Any

RUNTIME = Path(__file__).parents[1]
WARMSTART = Path(__file__).parents[2] / "warmstart"
NAME = "tensorflow"
PACKAGE = f"{NAME}.python.framework"
CONTAINER = "sagemaker_tensorflow_container"
BUILDER = "_build_tf_config_for_mwms"
UNPACKER = "_safe_extractall"


def load(file: Path) -> ModuleType:
    """Load a module of the embedded AWS that needs nothing but Python and what every image has.

    By its path: what can be imported by its name here could be imported by the job's script too.
    """
    spec = importlib.util.spec_from_file_location(f"_{file.stem}", file)
    assert spec  # noqa: S101 - it is a .py
    assert spec.loader  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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


def check_archives() -> None:
    """Let the toolkit unpack only what an archive of its size can honestly hold."""
    archives = load(RUNTIME / "archives.py")
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
        requirements, file = load(RUNTIME / "requirements.py"), Path(path) / "requirements.txt"
        if not requirements.are_met(file):
            install(path, *arguments, **options)
            return
        for each in requirements.wanted(file):
            print(f"Requirement already satisfied: {each}", flush=True)

    modules.install_requirements = install_what_is_missing  # type: ignore[attr-defined]


def rewrite_arguments(mounts: dict[str, str]) -> None:
    """Put paths of the container where they lie here, in what the script is called with."""
    rewrite_paths = load(RUNTIME / "paths.py").rewrite_paths
    mapping = importlib.import_module("sagemaker_training.mapping")
    make = mapping.to_cmd_args
    folders = {path: Path(folder) for path, folder in mounts.items()}
    mapping.to_cmd_args = lambda given: [rewrite_paths(argument, folders) for argument in make(given)]  # type: ignore[attr-defined]


def outlive_the_script() -> None:
    """Let SIGTERM end the script only, once there is one, so that what it prints until then is read.

    A container's first process has no default for signals: the toolkit, which handles none, goes on there, too. Before
    the script begins a signal ends all, though: nobody waits for a script that would not hear of it any more.
    """
    begin = asyncio.create_subprocess_exec

    async def begin_and_outlive(*command: Any, **options: Any) -> Any:
        child = await begin(*command, **options)
        survive_sigterm()
        return child

    asyncio.create_subprocess_exec = begin_and_outlive


def survive_sigterm() -> None:
    """Go on after SIGTERM. A handler, unlike an ignored signal, is not passed on to what is started."""
    signal.signal(signal.SIGTERM, lambda *_: None)


if __name__ == "__main__":
    spare_tensorflow()
    warmstart = load(WARMSTART / "toolkit.py") if "SAGEMAKER_JOB_IMPORTS" in os.environ else None
    preloaded = warmstart.wait_for_job() if warmstart and "SAGEMAKER_JOB_ORDERS" in os.environ else None
    outlive_the_script()
    check_archives()
    spare_pip()
    if warmstart and (noted := os.environ.get("SAGEMAKER_JOB_IMPORTS")):
        warmstart.note_imports(noted, preloaded, on_start=survive_sigterm)
    rewrite_arguments(json.loads(os.environ["SAGEMAKER_JOB_MOUNTS"]))
    if hosts := os.environ.get("SAGEMAKER_JOB_HOSTS"):
        address_workers(json.loads(hosts))
    from sagemaker_training.cli.train import main  # type: ignore[import-not-found]  # in the image only

    main()
