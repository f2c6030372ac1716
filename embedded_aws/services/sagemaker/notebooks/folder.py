"""The file system of a notebook instance: its volume, which stays, and all else, which each boot makes anew.

Of the Pythons of this computer it shows none until dnf or conda brings one: `python3` is Amazon Linux 2023's bare 3.9,
and conda's environment `python3` has Jupyter and what the image has besides, nothing of the lab's. The paths are those
of AWS (nbi-al2023 in SageMaker's guide; awslabs/nx-neptune's lifecycle scripts). What stands in for
either is in pythons.py, and Jupyter's log begins with it. That cron is not there at first says Amazon Linux 2's guide
("Prepare your migration to AL2023"). Not compared with AWS: that there is no environment JupyterSystemEnv, which
samples of the time of Amazon Linux 2 name, and that SageMaker adds no cron.

In a sandbox all of it is where the machine has it: its folders are laid out as they lie there. Without one a script's
paths are rewritten, and the programs find theirs by the environment.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from embedded_aws.runtime.container import IMAGE, PACKAGE, PROGRAMS, make_layer, write_etc
from embedded_aws.runtime.paths import rewrite_paths
from embedded_aws.runtime.sandbox import View
from embedded_aws.services.sagemaker.notebooks.pythons import BINARIES, SYSTEM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.runtime.images import Image
    from embedded_aws.services.sagemaker.notebooks.pythons import Pythons
    from embedded_aws.services.sagemaker.store import Record

SHIMS = Path(__file__).with_name("shims")
_UV = "/opt/aws/bin/uv"  # where a sandbox has it
_USER = "ec2-user:x:1000:1000:EC2 Default User:/home/ec2-user:/bin/bash\n"
_SYSTEM = ("/usr/local/bin", "/usr/bin", "/bin")
# Programs that bring another Python than the machine's own, those of another distribution, and cron, which is not there
# at first; no script finds `uv` and its like on AWS.
_HIDDEN = re.compile(
    r"(python|pip|pipx|pydoc|pypy|conda|mamba|micromamba|pyenv|poetry|uv|uvx)[-\d.w]*(-config)?"
    r"|apt|apt-get|aptitude|cron|crond|crontab"
)
_RELEASE = {
    "os-release": """\
NAME="Amazon Linux"
VERSION="2023"
ID="amzn"
ID_LIKE="fedora"
VERSION_ID="2023"
PLATFORM_ID="platform:al2023"
PRETTY_NAME="Amazon Linux 2023"
ANSI_COLOR="0;33"
CPE_NAME="cpe:2.3:o:amazon:amazon_linux:2023"
HOME_URL="https://aws.amazon.com/linux/amazon-linux-2023/"
""",
    "system-release": "Amazon Linux release 2023 (Amazon Linux)\n",
}
# Runs a program of the image's with the Python of the folder that it lies in: to Python the command is a string.
_RUN = """\
#!/bin/sh
'''exec' "$(dirname "$0")/python" "$0" "$@"
' '''
"""
_BASE = """\
#!/bin/sh
exec "$(dirname "$0")/../envs/python3/bin/{}" "$@"
"""


class MachineFolder:
    """The folder of a machine's file system; `home` is its /home/ec2-user, `volume` the SageMaker folder in there."""

    def __init__(self, root: Path, record: Record, *, sandboxed: bool) -> None:
        """Take the folder with the volume in it, or make them."""
        self._sandboxed = sandboxed
        self.root = root
        self.home = self.root / "home" / "ec2-user"
        self.volume = self.home / "SageMaker"
        self.profile = self.root / "etc" / "profile.d"
        self.temporary = self.root / "tmp"
        self.runtime = self.home / ".local" / "share" / "jupyter" / "runtime"
        self.conda = self.home / "anaconda3"
        self.layer = self.conda / "envs" / "python3"
        self.programs = self.root / "usr" / "bin"
        self.configuration = self.root / "etc" / "jupyter"
        self.log = self.root / "var" / "log"
        self._metadata = self.root / "opt" / "ml" / "metadata"
        self._empty = self.root / "empty"
        self._record = record
        self.volume.mkdir(parents=True, exist_ok=True)

    def renew(self, image: Image, pythons: Pythons, *, uv: Path) -> Path:
        """Make everything but the volume anew. Return Jupyter's interpreter. `uv` is for conda's shim."""
        _remove_but(self.root, "home")
        _remove_but(self.root / "home", "ec2-user")
        _remove_but(self.home, "SageMaker")
        own = (self.profile, self.temporary, self.configuration / "labconfig", self._metadata, self.log, self._empty)
        for folder in own:
            folder.mkdir(parents=True)
        for name, content in _RELEASE.items():
            (self.root / "etc" / name).write_text(content)
        # Where AWS's own scripts and its SDK look up which notebook instance they are on.
        metadata = {"ResourceArn": self._record.arn, "ResourceName": self._record.name}
        (self._metadata / "resource-metadata.json").write_text(json.dumps(metadata))
        self._make_system(image, pythons)
        self._make_conda(pythons, uv)
        packages = str(self.image_folder(image) / image.packages)
        python = make_layer(image, self.layer, packages=packages, interpreter=pythons.conda)
        self._make_jupyter(image)
        return python

    def inside(self, path: Path) -> str:
        """Return the path by which the machine knows a file of its own, or of this package."""
        if not self._sandboxed:
            return str(path)
        if path.is_relative_to(PACKAGE):
            return str(PurePosixPath(PROGRAMS, path.relative_to(PACKAGE)))
        return str(PurePosixPath("/", path.relative_to(self.root)))

    def image_folder(self, image: Image) -> Path:
        """Return where the machine has its image."""
        return Path(IMAGE) if self._sandboxed else image.python.parent.parent

    def view(self, image: Image, pythons: Pythons, *, uv: Path, cache: Path, named: Mapping[str, Path]) -> View:
        """Return what the machine sees. `cache` is uv's, `named` what its environment's variables name.

        Packages are links into uv's cache, for a file can't be linked from one mount to another; it is written to.
        """
        name = self._record.name
        own = (self.home, self.temporary, self.profile, self.configuration, self._metadata.parent, self.log)
        cache.mkdir(parents=True, exist_ok=True)
        return View(
            writable={**{self.inside(path): path for path in own}, "/usr/bin": self.programs, str(cache): cache},
            read_only={
                BINARIES: Path("/usr/bin"),
                **pythons.mounts(self._empty),
                **{f"/etc/{name}": self.root / "etc" / name for name in _RELEASE},
                IMAGE: image.python.parent.parent,
                PROGRAMS: PACKAGE,
                _UV: uv,
                **write_etc(self.root / "etc", name, {name: "127.0.0.1"}, users=_USER),
                **named,
            },
            hidden=["/usr/local"],
            folder="/",
            host_name=name,
        )

    def _make_system(self, image: Image, pythons: Pythons) -> None:
        """Link the programs of this computer, but its Pythons, and make a `python3` that has no packages."""
        self.programs.mkdir(parents=True)
        for shim in SHIMS.iterdir():
            if shim.is_file():
                (self.programs / shim.name).symlink_to(self.inside(shim))
        for folder in map(Path, ("/usr/bin",) if self._sandboxed else _SYSTEM):
            for program in folder.iterdir() if folder.is_dir() else ():
                link = self.programs / program.name
                if not (_HIDDEN.fullmatch(program.name) or link.is_symlink()):
                    link.symlink_to(Path(BINARIES, program.name) if self._sandboxed else program)
        aws = self.programs / "aws"
        aws.unlink(missing_ok=True)
        aws.symlink_to(self.image_folder(image) / "bin" / "aws")
        shutil.copy(image.python.parent.parent / "pyvenv.cfg", self.programs.parent)
        if pythons.system:
            (self.programs / f"python{SYSTEM}").symlink_to(pythons.system)
        (self.programs / "python3").symlink_to(f"python{SYSTEM}" if pythons.system else pythons.conda)

    def _make_conda(self, pythons: Pythons, uv: Path) -> None:
        """Put conda's shim where AWS has conda, with what it makes environments of."""
        packages = self.conda / "pkgs"
        packages.mkdir(parents=True)
        (packages / "python").symlink_to(pythons.conda)
        (packages / "uv").symlink_to(_UV if self._sandboxed else uv)
        for version, python in pythons.brought.items():
            (packages / f"python{version}").symlink_to(python)
        (self.conda / "bin").mkdir()
        for shim in (SHIMS / "anaconda3").iterdir():
            (self.conda / "bin" / shim.name).symlink_to(self.inside(shim))
        # `base`, which here is the environment `python3`.
        for name in ("python", "python3", "pip"):
            _write_program(self.conda / "bin" / name, _BASE.format(name))

    def _make_jupyter(self, image: Image) -> None:
        """Put the image's `jupyter` and its subcommands beside the environment's Python, which runs them."""
        for program in image.python.parent.glob("jupyter*"):
            head, coding, body = program.read_text().partition("# -*- coding")
            if head.startswith("#!") and coding:
                _write_program(self.layer / "bin" / program.name, f"{_RUN}{coding}{body}")

    def write_script(self, hook: str, text: str) -> Path:
        """Write a lifecycle script and return its path; without a sandbox the paths in it are put where they lie."""
        places = {
            "/etc/os-release": self.root / "etc" / "os-release",
            "/etc/profile.d": self.profile,
            "/var/log": self.log,
            "/home/ec2-user": self.home,
            "/opt/ml": self.root / "opt" / "ml",
            "/tmp": self.temporary,  # noqa: S108 - the machine's
        }
        path = self.temporary / hook
        path.write_text(text if self._sandboxed else rewrite_paths(text, places))
        return path

    def write_configuration(self, token: str) -> None:
        """Configure JupyterLab to be reached from this computer only, with the token."""
        server = {
            "ip": "127.0.0.1",
            "port": 0,  # any that is free
            "open_browser": False,
            "root_dir": self.inside(self.volume),
            "allow_root": True,  # the one who runs the gateway may be root, as in a container of a CI service
            "terminado_settings": {"shell_command": ["bash"]},
        }
        path = self.configuration / "jupyter_server_config.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps({"ServerApp": server, "IdentityProvider": {"token": token}}))
        # JupyterLab's news want the internet, and a decision that no student asked for.
        disabled = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
        (self.configuration / "labconfig" / "page_config.json").write_text(json.dumps(disabled))

    def server_port(self, token: str) -> int | None:
        """Return the port of the Jupyter server with this token, or None until it runs."""
        for path in self.runtime.glob("jpserver-*.json"):
            try:
                server = json.loads(path.read_text())
            except (ValueError, FileNotFoundError):  # half written, or gone again
                continue
            if server["token"] == token:
                return int(server["port"])
        return None

    def remove(self) -> None:
        """Remove all of it, the volume too."""
        shutil.rmtree(self.root, ignore_errors=True)


def _write_program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _remove_but(folder: Path, kept: str) -> None:
    for path in folder.iterdir():
        if path.name == kept:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
