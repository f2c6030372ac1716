"""The lab's Greengrass component on this machine: fetched when there is a new version, and kept, as a device does."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cli import paths
from teardown import names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.aws.session import Session

_RECIPE, _ARTIFACTS, _UNPACKED = "recipe.json", "artifacts", "artifacts-unarchived"


class ComponentError(Exception):
    """Why there is no component; the message says what to do."""


@dataclass(frozen=True)
class Component:
    """A version of the component that lies on this machine, whole; `folder` has its recipe and its artifacts."""

    folder: Path

    @property
    def version(self) -> str:
        """Return its version."""
        return self.folder.name

    @property
    def artifacts(self) -> Path:
        """Return the folder with its artifacts."""
        return self.folder / _ARTIFACTS

    @property
    def unpacked(self) -> Path:
        """Return the folder in which each archive among them has one of its own."""
        return self.folder / _UNPACKED

    def recipe(self) -> dict[str, Any]:
        """Return its recipe."""
        found: dict[str, Any] = json.loads((self.folder / _RECIPE).read_text(encoding="utf-8"))
        return found


def home(lab: str) -> Path:
    """Return where the component's versions lie, and what they make here."""
    return paths.HOME / "edge" / names.edge_component(lab)


def kept(lab: str) -> Component | None:
    """Return the version that was fetched last, None if none was."""
    folders = [each.parent for each in (home(lab) / "versions").glob(f"*/{_RECIPE}")]
    return Component(max(folders, key=lambda each: (each / _RECIPE).stat().st_mtime_ns)) if folders else None


def fetch(session: Session, lab: str, arn: str) -> Component:
    """Return the version of this ARN; what is not here yet is fetched. Raises ComponentError for a wrong artifact."""
    folder = home(lab) / "versions" / arn.rpartition(":")[2]
    if not (folder / _RECIPE).exists():
        answer = session.client("greengrassv2").get_component(arn=arn, recipeOutputFormat="JSON")
        recipe = json.loads(answer["recipe"])
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as place:
            whole = Path(place) / "whole"
            for manifest in recipe["Manifests"]:
                for artifact in manifest.get("Artifacts", ()):
                    _fetch_artifact(session.client("s3"), artifact, whole)
            (whole / _RECIPE).write_text(json.dumps(recipe, indent=2), encoding="utf-8")
            shutil.rmtree(folder, ignore_errors=True)
            whole.rename(folder)
    (folder / _RECIPE).touch()
    return Component(folder)


def _fetch_artifact(s3: Any, artifact: Mapping[str, Any], whole: Path) -> None:
    uri = artifact["Uri"]
    place = urlsplit(uri)
    content = s3.get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"].read()
    if base64.b64encode(hashlib.sha256(content).digest()).decode() != artifact["Digest"]:
        raise ComponentError(
            f"{uri} is not what the component's recipe names; run `./lab up`, which makes another version."
        )
    file = whole / _ARTIFACTS / place.path.rpartition("/")[2]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    if artifact.get("Unarchive") == "ZIP":
        with zipfile.ZipFile(file) as archive:
            archive.extractall(whole / _UNPACKED / file.stem)
