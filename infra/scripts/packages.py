"""Make the environment of the kernel "Python 3 (lab)" on a notebook instance: the lifecycle script starts it each time.

It runs with the instance's own python3 (3.9 on Amazon Linux 2023), which has no packages, as conda's kernels are Python
3.10 and have no TensorFlow. conda brings a newer Python from conda-forge, as the lifecycle scripts of others do on
notebook-al2023-v1 (awslabs/nx-neptune#450, rapidsai/deployment#644), and uv with it, which installs the packages.
The environment lies on the volume with its Python: a stop takes all but /home/ec2-user/SageMaker away. So it is made
once for each requirements file, and what the student adds to it stays.

How far it is stands in a text file: it begins with "Installing" until that ends. The notebooks' first cell shows it.
Not compared with AWS: how long it takes.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

_PYTHON = "3.12"  # the training container's; TensorFlow has wheels for it
_CHECK_SECONDS = 60
_STEP = "Installing {what} (step {number} of 2): about three minutes in all, only the first time. The log is {log}."
_READY = "Ready: choose Restart Kernel in the menu Kernel, then run the cells from the top."
_FAILED = "Not installed: {reason}. The log is {log}; the next start of the notebook instance tries again."


class StepError(Exception):
    """A step that failed; the message says which and how."""


class Installation:
    """An environment, the requirements file it is made from, and the file that says how far it is."""

    def __init__(self, requirements: Path, environment: Path, status: Path, *, conda: Path, log: str) -> None:
        self._requirements, self._environment, self._status = requirements, environment, status
        self._conda, self._log = conda, log
        self._python = environment / "bin" / "python"
        self._complete = environment / "complete"

    def provide(self) -> bool:
        """Make the environment unless it is there; whether it is then."""
        try:
            if not self._is_made():
                self._make()
        except (StepError, OSError) as error:
            self._say(_FAILED, reason=error)
            return False
        self._say(_READY)
        return True

    def _is_made(self) -> bool:
        """Return whether it works, and has been made from this very requirements file."""
        return self._works() and self._complete.read_text(encoding="utf-8") == self._digest()

    def _works(self) -> bool:
        """Return whether it was complete once, and its Python is still there."""
        if not self._complete.exists():
            return False
        try:
            subprocess.run([str(self._python), "-c", ""], check=True, timeout=_CHECK_SECONDS)
        except (OSError, subprocess.SubprocessError):
            return False
        return True

    def _make(self) -> None:
        if not self._works():
            self._say(_STEP, what=f"Python {_PYTHON}", number=1)
            channel = ["--override-channels", "--channel", "conda-forge"]
            place = ["--yes", "--quiet", "--prefix", str(self._environment)]
            _run(str(self._conda), "create", *place, *channel, f"python={_PYTHON}", "pip", "uv")
        self._say(_STEP, what="TensorFlow and the lab's other packages", number=2)
        self._install()
        self._complete.write_text(self._digest(), encoding="utf-8")

    def _install(self) -> None:
        """Install the packages from uv's cache if it has them all, else from the index.

        The cache lies beside the environment, unless the machine has one: so files are linked, not copied, and what an
        interrupted installation has fetched is there at the next start.
        """
        beside = self._environment.parent / "cache"
        os.environ.setdefault("UV_CACHE_DIR", str(beside))
        uv = [str(self._environment / "bin" / "uv"), "pip", "install", "--no-progress", "--python", str(self._python)]
        wanted = ["--require-hashes", "--requirement", str(self._requirements)]
        cached = subprocess.run([*uv, "--offline", *wanted], stderr=subprocess.DEVNULL, check=False)
        if cached.returncode:
            _run(*uv, *wanted)
        shutil.rmtree(beside, ignore_errors=True)

    def _digest(self) -> str:
        return hashlib.sha256(self._requirements.read_bytes()).hexdigest()

    def _say(self, text: str, **about: object) -> None:
        """Replace what the status file says, and print it into the log."""
        line = text.format(log=self._log, **about)
        print(line, flush=True)
        new = self._status.with_suffix(".new")
        new.write_text(line + "\n", encoding="utf-8")
        new.replace(self._status)


def _run(*command: str) -> None:
    """Run a command into the log. Raises StepError."""
    name = " ".join([Path(command[0]).name, *command[1:2]])
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, check=True)
    except FileNotFoundError as error:
        raise StepError(f"{command[0]} is not there") from error
    except subprocess.CalledProcessError as error:
        raise StepError(f"`{name}` ended with exit status {error.returncode}") from error


def main() -> None:
    """Provide the environment."""
    parser = argparse.ArgumentParser(description="Make the environment of a notebook instance's lab kernel.")
    parser.add_argument("requirements", type=Path)
    parser.add_argument("environment", type=Path)
    parser.add_argument("status", type=Path, help="the text file that says how far it is")
    parser.add_argument("--conda", type=Path, default=Path.home() / "anaconda3" / "bin" / "conda")
    parser.add_argument("--log", default="packages.log", help="where the student finds what this prints")
    options = parser.parse_args()
    environment = options.environment.absolute()
    made = Installation(options.requirements, environment, options.status, conda=options.conda, log=options.log)
    sys.exit(not made.provide())


if __name__ == "__main__":
    main()
