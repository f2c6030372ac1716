"""`./lab images`: list the container images of the embedded AWS, pull and remove them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from rich.markup import escape

from cli import paths
from cli.embedded import IMAGES, of_the_lab
from cli.ui import screen
from cli.ui.errors import LabError
from cli.ui.table import Column, Table
from embedded_aws import gateway
from embedded_aws.runtime import images, installed_images
from embedded_aws.runtime.installed_images import size_in_words

if TYPE_CHECKING:
    from collections.abc import Sequence


def show(*, as_json: bool) -> None:
    """Show every image, and which of them the lab runs."""
    found = installed_images.listed(images_dir=IMAGES, cache_dir=paths.cache())
    lab = of_the_lab()
    if as_json:
        print(json.dumps([{**one.document(gateway.REGION), "ofTheLab": one.name in lab} for one in found], indent=2))
        return
    table = Table("image", "Python", Column("on disk", numbers=True), "")
    for one in found:
        size = size_in_words(one.size) if one.path else "not installed"
        table.add_row(one.name, one.python or "-", size, "the lab's" if one.name in lab else "")
    table.show()


def pull(names: Sequence[str], *, as_json: bool) -> None:
    """Install images. Raises LabError for a name that is none, and if one can't be installed."""
    found = []
    for name in _find(names):
        before = images.is_installed(name, images_dir=IMAGES, cache_dir=paths.cache())
        began = time.monotonic()
        try:
            image = images.pull(name, images_dir=IMAGES, cache_dir=paths.cache(), tell=_tell)
        except images.ImageError as error:
            raise LabError(str(error)) from None
        one = installed_images.describe(name, images_dir=IMAGES, cache_dir=paths.cache())
        took = "was there already" if before else f"{time.monotonic() - began:.1f} s"
        screen.errors.print(f"{name}: {size_in_words(one.size)}, {took}. {escape(image.notice)}".rstrip())
        found.append({**one.document(gateway.REGION), "notice": image.notice})
    if as_json:
        print(json.dumps(found, indent=2))


def remove(names: Sequence[str], *, as_json: bool) -> None:
    """Remove what is installed of images. Raises LabError for a name that is none, and for one that is in use."""
    removed = []
    for name in _find(names):
        try:
            removal = installed_images.remove(name, images_dir=IMAGES, cache_dir=paths.cache())
        except images.ImageError as error:
            raise LabError(str(error)) from None
        removed.append(removal.document())
        if not as_json:
            screen.console.print(str(removal))
    if as_json:
        print(json.dumps(removed, indent=2))


def _find(names: Sequence[str]) -> list[str]:
    try:
        return [installed_images.find(name, images_dir=IMAGES) for name in names]
    except images.ImageError as error:
        raise LabError(str(error)) from None


def _tell(line: str) -> None:
    screen.errors.print(f"  {escape(line)}", soft_wrap=True)
