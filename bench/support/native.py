"""The C++ program of native/, compiled where there is a compiler."""

from __future__ import annotations

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from cli import paths


def tools() -> bool:
    """Tell whether CMake and a C++ compiler are on the PATH, and TensorFlow's package has been installed."""
    return bool(shutil.which("cmake") and shutil.which("c++") and find_spec("tensorflow"))


def compile_score(build: Path, *flags: str) -> Path:
    """Compile it in the folder `build` with further compiler flags; return the program.

    Raises CalledProcessError, whose `output` is what the tools said.
    """
    spec = find_spec("tensorflow")
    assert spec  # noqa: S101 - `tools` has told
    assert spec.origin  # noqa: S101
    for command in (
        [
            *("cmake", "-S", f"{paths.ROOT}/native", "-B", f"{build}", f"-DTENSORFLOW={Path(spec.origin).parent}"),
            f"-DCMAKE_CXX_FLAGS={' '.join(flags)}",
        ],
        ["cmake", "--build", f"{build}"],
    ):
        subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
    return build / "score"
