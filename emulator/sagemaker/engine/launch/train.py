"""Run the SageMaker training toolkit's `train` without loading TensorFlow into the toolkit's own process.

On one host the toolkit needs of TensorFlow the names of its exceptions only (to name a failure after the one that the
script's output shows), and importing it for that costs as much as importing it in the script: about 4.5 s of CPU time,
half of a short job. So those names are read from TensorFlow's source instead. The script's process is not touched.

Of several hosts TensorFlow is told addresses that work here, where no name server knows algo-1 and all hosts share one
machine's ports: what the toolkit writes into TF_CONFIG for MultiWorkerMirroredStrategy, with those in the place of
`algo-1:8890`, `algo-2:8890`, …

The toolkit keeps an archive of programs within its folder; here it keeps to limits too, for the disk is everybody's.

A container's absolute paths in hyperparameters, `/opt/ml/checkpoints`, are put where they lie when they become the
script's arguments. The script itself is left as it came: who hashes it finds what was sent.
"""

import ast
import importlib
import importlib.util
import json
import os
import sys
import tarfile
from pathlib import Path
from types import ModuleType
from typing import Any

NAME = "tensorflow"
PACKAGE = f"{NAME}.python.framework"
CONTAINER = "sagemaker_tensorflow_container"
BUILDER = "_build_tf_config_for_mwms"
UNPACKER = "_safe_extractall"


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
    """A module of the engine, which needs nothing but Python."""
    sys.path.append(str(Path(__file__).parents[4]))
    try:
        return importlib.import_module(f"emulator.sagemaker.engine.{module}")
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


def relocate_arguments(places: dict[str, str]) -> None:
    """Put paths of the container where they lie here, in what the script is called with."""
    relocate = ours("relocate").relocate
    mapping = importlib.import_module("sagemaker_training.mapping")
    make = mapping.to_cmd_args
    folders = {path: Path(folder) for path, folder in places.items()}
    mapping.to_cmd_args = lambda given: [relocate(argument, folders) for argument in make(given)]  # type: ignore[attr-defined]


if __name__ == "__main__":
    spare_tensorflow()
    check_archives()
    relocate_arguments(json.loads(os.environ["SAGEMAKER_JOB_PLACES"]))
    address_workers(json.loads(os.environ["SAGEMAKER_JOB_HOSTS"]))
    from sagemaker_training.cli.train import main  # type: ignore[import-not-found]  # in the image only

    main()
