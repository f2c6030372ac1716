"""The file system of a notebook instance: its volume, which stays, and all else, which each boot makes anew.

Of the Pythons of this computer it shows none: `python3` is a bare one in the place of Amazon Linux 2023's 3.9, and
conda's environment `python3` has Jupyter and what the image has besides, nothing of the lab's. The paths are those of
AWS (nbi-al2023 in SageMaker's guide; awslabs/nx-neptune's lifecycle scripts). Both are of the version that the embedded
AWS itself runs on, newer than AWS's 3.9 and 3.10.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from embedded_aws.runtime.container import make_layer
from embedded_aws.runtime.paths import rewrite_paths

if TYPE_CHECKING:
    from embedded_aws.runtime.images import Image
    from embedded_aws.services.sagemaker.store import Record

SHIMS = Path(__file__).with_name("shims")
_SYSTEM = ("/usr/local/bin", "/usr/bin", "/bin")
# Programs that bring another Python than the machine's own; no script finds `uv` and its like on AWS.
_HIDDEN = re.compile(r"(python|pip|pipx|pydoc|pypy|conda|mamba|micromamba|pyenv|poetry|uv|uvx)[-\d.w]*(-config)?")


class MachineFolder:
    """The folder of a machine's file system; `home` is its /home/ec2-user, `volume` the SageMaker folder in there."""

    def __init__(self, notebooks: Path, record: Record) -> None:
        """Make the folder with an empty volume in it."""
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
        self._make_system(image)
        self._make_conda(image, uv)
        return make_layer(image, self.layer)

    def _make_system(self, image: Image) -> None:
        """Link the programs of this computer, but its Pythons, and make a `python3` that has no packages."""
        self.programs.mkdir(parents=True)
        for folder in map(Path, _SYSTEM):
            for program in folder.iterdir() if folder.is_dir() else ():
                link = self.programs / program.name
                if not (_HIDDEN.fullmatch(program.name) or link.is_symlink()):
                    link.symlink_to(program)
        aws = self.programs / "aws"
        aws.unlink(missing_ok=True)
        aws.symlink_to(image.python.parent / "aws")
        shutil.copy(image.python.parent.parent / "pyvenv.cfg", self.programs.parent)
        (self.programs / "python3").symlink_to(image.python.resolve())

    def _make_conda(self, image: Image, uv: Path) -> None:
        """Put conda's shim where AWS has conda, with what it makes environments of."""
        packages = self.conda / "pkgs"
        packages.mkdir(parents=True)
        (packages / "python").symlink_to(image.python.resolve())
        (packages / "uv").symlink_to(uv)
        (self.conda / "bin").mkdir()
        (self.conda / "bin" / "conda").symlink_to(SHIMS / "anaconda3" / "conda")

    def write_script(self, hook: str, text: str) -> Path:
        """Write a lifecycle script with the paths of its machine replaced by where they are here. Return its path."""
        places = {
            "/etc/profile.d": self.profile,
            "/home/ec2-user": self.home,
            "/opt/ml": self.root / "opt" / "ml",
            "/tmp": self.temporary,  # noqa: S108 - the machine's
        }
        path = self.temporary / hook
        path.write_text(rewrite_paths(text, places))
        return path

    def write_configuration(self, token: str) -> None:
        """Configure JupyterLab to be reached from this computer only, with the token."""
        server = {
            "ip": "127.0.0.1",
            "port": 0,  # any that is free
            "open_browser": False,
            "root_dir": str(self.volume),
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


def _remove_but(folder: Path, kept: str) -> None:
    for path in folder.iterdir():
        if path.name == kept:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
