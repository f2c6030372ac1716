"""The file system of a notebook instance: its volume, which stays, and all else, which each boot makes anew.

Of the Pythons of this computer it shows none: `python3` is a bare one in the place of Amazon Linux 2023's 3.9, and
conda's environment `python3` has Jupyter and what the image has besides, nothing of the lab's. The paths are those of
AWS (nbi-al2023 in SageMaker's guide; awslabs/nx-neptune's lifecycle scripts). Both are of the version that the embedded
AWS itself runs on, newer than AWS's 3.9 and 3.10.

In a sandbox all of it is where the machine has it: its folders are laid out as they lie there. Without one a script's
paths are rewritten, and the programs find theirs by the environment.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from embedded_aws.runtime.container import IMAGE, PACKAGE, PROGRAMS, MountedPython, make_layer, write_etc
from embedded_aws.runtime.paths import rewrite_paths
from embedded_aws.runtime.sandbox import View

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.runtime.images import Image
    from embedded_aws.services.sagemaker.store import Record

SHIMS = Path(__file__).with_name("shims")
_BINARIES, _UV = "/opt/system/bin", "/opt/aws/bin/uv"  # where a sandbox has the programs of /usr/bin, and uv
_USER = "ec2-user:x:1000:1000:EC2 Default User:/home/ec2-user:/bin/bash\n"
_DEBIAN_PACKAGES = "/usr/lib/python3/dist-packages"
_SYSTEM = ("/usr/local/bin", "/usr/bin", "/bin")
# Programs that bring another Python than the machine's own; no script finds `uv` and its like on AWS.
_HIDDEN = re.compile(r"(python|pip|pipx|pydoc|pypy|conda|mamba|micromamba|pyenv|poetry|uv|uvx)[-\d.w]*(-config)?")


class MachineFolder:
    """The folder of a machine's file system; `home` is its /home/ec2-user, `volume` the SageMaker folder in there."""

    def __init__(self, notebooks: Path, record: Record, *, sandboxed: bool) -> None:
        """Make the folder with an empty volume in it."""
        self._sandboxed = sandboxed
        self.root = notebooks / f"{record.name}-{secrets.token_hex(4)}"
        self.home = self.root / "home" / "ec2-user"
        self.volume = self.home / "SageMaker"
        self.profile = self.root / "etc" / "profile.d"
        self.temporary = self.root / "tmp"
        self.runtime = self.home / ".local" / "share" / "jupyter" / "runtime"
        self.conda = self.home / "anaconda3"
        self.layer = self.conda / "envs" / "python3"
        self.programs = self.root / "usr" / "bin"
        self.configuration = self.root / "etc" / "jupyter"
        self._metadata = self.root / "opt" / "ml" / "metadata"
        self._record = record
        self.volume.mkdir(parents=True)

    def renew(self, image: Image, *, uv: Path) -> Path:
        """Make everything but the volume anew. Return Jupyter's interpreter. `uv` is for conda's shim."""
        _remove_but(self.root, "home")
        _remove_but(self.root / "home", "ec2-user")
        _remove_but(self.home, "SageMaker")
        for folder in (self.profile, self.temporary, self.configuration / "labconfig", self._metadata):
            folder.mkdir(parents=True)
        # Where AWS's own scripts and its SDK look up which notebook instance they are on.
        metadata = {"ResourceArn": self._record.arn, "ResourceName": self._record.name}
        (self._metadata / "resource-metadata.json").write_text(json.dumps(metadata))
        interpreter = self._interpreter(image)
        self._make_system(image, interpreter)
        self._make_conda(interpreter, uv)
        packages = str(self.image_folder(image) / image.packages)
        return make_layer(image, self.layer, packages=packages, interpreter=interpreter)

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

    def view(self, image: Image, *, uv: Path, cache: Path, named: Mapping[str, Path]) -> View:
        """Return what the machine sees. `cache` is uv's, `named` what its environment's variables name.

        Packages are links into uv's cache, for a file can't be linked from one mount to another; it is written to.
        """
        interpreter, name = MountedPython(image.python), self._record.name
        own = (self.home, self.temporary, self.profile, self.configuration, self._metadata.parent)
        packages = [f"{folder}/lib/python{_minor(image)}/site-packages" for folder in interpreter.mounts]
        cache.mkdir(parents=True, exist_ok=True)
        return View(
            writable={**{self.inside(path): path for path in own}, str(cache): cache},
            read_only={
                _BINARIES: Path("/usr/bin"),
                "/usr/bin": self.programs,
                IMAGE: image.python.parent.parent,
                PROGRAMS: PACKAGE,
                _UV: uv,
                **interpreter.mounts,
                **write_etc(self.root / "etc", name, {name: "127.0.0.1"}, users=_USER),
                **named,
            },
            hidden=["/usr/local", *(packages or [_DEBIAN_PACKAGES])],
            folder="/",
            host_name=name,
        )

    def _interpreter(self, image: Image) -> Path:
        """Return the Python that conda and the system have, as the machine sees it."""
        if not self._sandboxed:
            return image.python.resolve()
        path = MountedPython(image.python).path
        return Path(_BINARIES, path.name) if path.parent == Path("/usr/bin") else path

    def _make_system(self, image: Image, interpreter: Path) -> None:
        """Link the programs of this computer, but its Pythons, and make a `python3` that has no packages."""
        self.programs.mkdir(parents=True)
        for shim in SHIMS.iterdir():
            if shim.is_file():
                (self.programs / shim.name).symlink_to(self.inside(shim))
        for folder in map(Path, ("/usr/bin",) if self._sandboxed else _SYSTEM):
            for program in folder.iterdir() if folder.is_dir() else ():
                link = self.programs / program.name
                if not (_HIDDEN.fullmatch(program.name) or link.is_symlink()):
                    link.symlink_to(Path(_BINARIES, program.name) if self._sandboxed else program)
        aws = self.programs / "aws"
        aws.unlink(missing_ok=True)
        aws.symlink_to(self.image_folder(image) / "bin" / "aws")
        shutil.copy(image.python.parent.parent / "pyvenv.cfg", self.programs.parent)
        (self.programs / "python3").symlink_to(interpreter)

    def _make_conda(self, interpreter: Path, uv: Path) -> None:
        """Put conda's shim where AWS has conda, with what it makes environments of."""
        packages = self.conda / "pkgs"
        packages.mkdir(parents=True)
        (packages / "python").symlink_to(interpreter)
        (packages / "uv").symlink_to(_UV if self._sandboxed else uv)
        (self.conda / "bin").mkdir()
        (self.conda / "bin" / "conda").symlink_to(self.inside(SHIMS / "anaconda3" / "conda"))

    def write_script(self, hook: str, text: str) -> Path:
        """Write a lifecycle script and return its path; without a sandbox the paths in it are put where they lie."""
        places = {
            "/etc/profile.d": self.profile,
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


def _minor(image: Image) -> str:
    return image.packages.parts[1].removeprefix("python")


def _remove_but(folder: Path, kept: str) -> None:
    for path in folder.iterdir():
        if path.name == kept:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
