"""The machine of a notebook instance from one start to the next stop: lifecycle scripts, then JupyterLab.

It boots when it is first opened, or created with an OnCreate script. What the scripts expect and it can't have (root,
systemd, conda, a package manager) is replaced by the programs in `shims/`: some do nothing, some do a part and refuse
the rest in the words of the real one; tests go through what AWS's public samples ask for. jq, git, curl and wget are
this computer's, or not there. On Linux it is a sandbox, with the paths of AWS's machine. Elsewhere paths in the scripts
are put below its folder (`folder.py` says which), and others are those of the computer the gateway runs on. Packages
come from the index that the gateway's own environment names, and from uv's cache on this computer.
"""

from __future__ import annotations

import http.client
import os
import secrets
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from embedded_aws.runtime import container, images, interpreters
from embedded_aws.runtime.process import Process
from embedded_aws.services.sagemaker.notebooks.lifecycle import Console
from embedded_aws.services.sagemaker.notebooks.pythons import VERSIONS, Pythons

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from embedded_aws.runtime.credentials import CredentialsEndpoint, Role
    from embedded_aws.services.sagemaker.notebooks.folder import MachineFolder
    from embedded_aws.services.sagemaker.notebooks.lifecycle import Lifecycle
    from embedded_aws.services.sagemaker.provider import ServiceContext
    from embedded_aws.services.sagemaker.store import Record

_BOOT = Path(__file__).with_name("boot.py")
# How uv reaches the package index.
_INDEX = ("UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_INDEX", "UV_INDEX_URL")
# What JupyterLab runs with: Jupyter's own Python and conda come first, as in a notebook's terminal.
_BECOME = 'PATH="$0:$PATH" exec "$@"'
_SERVER_SECONDS = 120
_POLL_SECONDS = 0.05
_GRACE_SECONDS = 5
_ENDED = "The Jupyter server ended with exit code {}. Please check your CloudWatch logs for more details."


class BootError(Exception):
    """A machine can't be opened; the message is the notebook instance's FailureReason."""


class Machine:
    """A notebook instance's machine. `on_end` is called if it ends by itself, with the reason if that is a failure."""

    def __init__(
        self,
        record: Record,
        folder: MachineFolder,
        lifecycle: Lifecycle,
        *,
        context: ServiceContext,
        role: Role,
        credentials: CredentialsEndpoint,
        on_end: Callable[[Machine, str | None], None],
    ) -> None:
        self._record, self._folder, self._lifecycle = record, folder, lifecycle
        self._context, self._role, self._credentials, self._on_end = context, role, credentials, on_end
        self._booting = threading.Lock()
        self._lock = threading.Lock()
        self._end_reason = ""  # why it is never to boot again
        self._process: Process | None = None
        self._follower: threading.Thread | None = None
        self._server: tuple[int, str] | None = None

    def open(self) -> tuple[int, str]:
        """Return JupyterLab's port and token; boot first if it does not run.

        Of several calls at once one boots and all wait for it. Raises BootError.
        """
        with self._booting:
            if self._server:
                return self._server
            try:
                return self._boot()
            except (images.ImageError, OSError) as error:
                self._end(str(error), at_once=True)
                raise BootError(f"The notebook instance could not be made. {error}") from error
            except BootError as error:
                self._end(str(error), at_once=True)
                raise

    def stop(self) -> None:
        """End the machine; what runs there has a few seconds. Return when all of it has ended."""
        self._end("The notebook instance was stopped while it booted.")

    def kill(self) -> None:
        """End the machine at once."""
        with self._lock:
            self._end_reason = self._end_reason or "The embedded AWS ended."
            if self._process:
                self._process.kill()

    def _end(self, why: str, *, at_once: bool = False) -> None:
        with self._lock:
            self._end_reason = self._end_reason or why
            process, follower = self._process, self._follower
        if process and follower:
            process.terminate(grace=0 if at_once else _GRACE_SECONDS)
            follower.join()

    def _boot(self) -> tuple[int, str]:
        image = images.install(
            self._record.members["PlatformIdentifier"],
            images_dir=self._context.images_dir,
            cache_dir=self._context.cache_dir,
        )
        with self._lock:
            if self._end_reason:
                raise BootError(self._end_reason)
        found = interpreters.installed(VERSIONS, folder=self._context.cache_dir / "images", uv=images.uv)
        pythons = Pythons(found, image, sandboxed=self._context.sandboxed)
        python = self._folder.renew(image, pythons, uv=images.uv())
        token = secrets.token_urlsafe(32)
        self._folder.write_configuration(token)
        console = Console(self._record.name, self._role, notice=pythons.stand_ins())
        process = self._launch(python, image, pythons, console)
        port = self._wait_for_server(process, console, token)
        with self._lock:
            # The follower takes an ended process away under this lock.
            if self._process is process:
                self._lifecycle.completed()
                self._server = (port, token)
                return self._server
        raise BootError(self._end_reason or _ENDED.format(process.wait()))

    def _launch(self, python: Path, image: images.Image, pythons: Pythons, console: Console) -> Process:
        network = self._credentials.environment(self._role)
        folder = self._folder
        scripts = [
            f"{hook}={folder.inside(folder.write_script(hook, text))}" for hook, text in self._lifecycle.due().items()
        ]
        steps = [console.mark, str(self._lifecycle.seconds), folder.inside(folder.profile), *scripts]
        with self._lock:
            if self._end_reason:
                raise BootError(self._end_reason)
            process = self._process = Process(
                self._command(image, pythons, [*steps, "--", *self._server_command(python)]),
                environment=self._environment(image, network),
                folder=folder.root,
            )
            self._follower = threading.Thread(
                target=self._follow, args=(process, console, network), name=f"machine {self._record.name}", daemon=True
            )
        self._follower.start()
        return process

    def _command(self, image: images.Image, pythons: Pythons, arguments: Sequence[str]) -> list[str]:
        """Return the command that boots the machine, in a sandbox where there are any."""
        bubblewrap = self._context.bubblewrap
        if bubblewrap is None:
            return [sys.executable, "-I", "-S", str(_BOOT), *arguments]
        named = container.named_files(os.environ, (*container.PASSED_ON, *_INDEX))
        view = self._folder.view(image, pythons, uv=images.uv(), cache=Path(images.uv_cache()), named=named)
        return bubblewrap.command(["python3", "-I", "-S", self._folder.inside(_BOOT), *arguments], view)

    def _server_command(self, python: Path) -> list[str]:
        inside = self._folder.inside(python)
        path = f"{Path(inside).parent}:{self._folder.inside(self._folder.conda / 'bin')}"
        return ["bash", "-c", _BECOME, path, inside, "-m", "jupyterlab"]

    def _follow(self, process: Process, console: Console, network: dict[str, str]) -> None:
        """Pass the process's output on until it ends, and take note of how it did."""
        console.follow(process.lines())
        status = process.wait()
        self._credentials.forget(network)
        with self._lock:
            served, stopped = self._server, self._end_reason
            self._server = self._process = None
            if status:
                self._end_reason = stopped or _ENDED.format(status)
        if served and not stopped:
            self._on_end(self, _ENDED.format(status) if status else None)

    def _wait_for_server(self, process: Process, console: Console, token: str) -> int:
        console.settled.wait()
        deadline = time.monotonic() + _SERVER_SECONDS
        while process.running and time.monotonic() < deadline:
            port = self._folder.server_port(token)
            if port and _answers(port):
                return port
            time.sleep(_POLL_SECONDS)
        if console.failure:
            raise BootError(self._lifecycle.failure(self._record.arn, *console.failure))
        if process.running:
            raise BootError(f"The Jupyter server did not answer within {_SERVER_SECONDS} seconds.")
        raise BootError(self._end_reason or _ENDED.format(process.wait()))

    def _environment(self, image: images.Image, network: dict[str, str]) -> dict[str, str]:
        """Return the environment of the scripts and, but for what they export, of JupyterLab."""
        folder, inside = self._folder, self._folder.inside
        shared = folder.image_folder(image)  # where the image's packages installed Jupyter's own files
        return container.environment(
            os.environ,
            HOME=inside(folder.home),
            TMPDIR=inside(folder.temporary),
            PATH=inside(folder.programs),
            SHELL="/bin/bash",
            USER="ec2-user",
            LOGNAME="ec2-user",
            UV_CACHE_DIR=images.uv_cache(),
            **({"UV_LINK_MODE": "symlink"} if self._context.bubblewrap else {}),
            **{name: os.environ[name] for name in _INDEX if name in os.environ},
            JUPYTER_CONFIG_PATH=f"{inside(folder.configuration)}:{shared / 'etc' / 'jupyter'}",
            JUPYTER_DATA_DIR=inside(folder.runtime.parent),
            JUPYTER_PATH=str(shared / "share" / "jupyter"),
            JUPYTER_RUNTIME_DIR=inside(folder.runtime),
            JUPYTERLAB_DIR=str(shared / "share" / "jupyter" / "lab"),
            AWS_ENDPOINT_URL=self._context.endpoint_url,
            AWS_REGION=self._record.region,
            AWS_DEFAULT_REGION=self._record.region,
            AWS_EC2_METADATA_DISABLED="true",
            **network,
        )


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_GRACE_SECONDS)
    try:
        connection.request("GET", "/api")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
