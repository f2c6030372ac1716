"""`embedded-aws images`: list the container images, pull and remove them."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path  # noqa: TC003 - Typer reads it
from typing import Annotated, Any

import typer

from embedded_aws import settings
from embedded_aws.cli_options import CacheOption, ImagesOption, JsonOption, WholeHelpGroup
from embedded_aws.runtime import images as container_images
from embedded_aws.runtime import installed_images
from embedded_aws.runtime.installed_images import size_in_words

_HELP = """The container images that jobs and endpoints run, in AWS's own names.

Nothing is installed before it is asked for: the first job of an image pulls it, or you do, so that no job waits.

\b
    embedded-aws images                          which there are, and what is installed
    embedded-aws images pull kmeans              by the repository, if it has one image
    embedded-aws images pull sagemaker-xgboost-3.2-0
    embedded-aws images pull 763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-training:2.21-cpu-py312
    embedded-aws images remove kmeans            and with it what shares its installation
"""

app = typer.Typer(cls=WholeHelpGroup, help=_HELP, rich_markup_mode=None, pretty_exceptions_enable=False)
NamesArgument = Annotated[
    list[str], typer.Argument(metavar="NAME…", help="Names as `images` lists them, URIs, or REPOSITORY:TAG.")
]


@app.callback(invoke_without_command=True)
def default(
    context: typer.Context,
    *,
    cache: CacheOption = None,
    images: ImagesOption = settings.IMAGES,
    as_json: JsonOption = False,
) -> None:
    """List them, unless a command is named."""
    if context.invoked_subcommand is None:
        list_images(cache=cache, images=images, as_json=as_json)


@app.command("list")
def list_images(
    *, cache: CacheOption = None, images: ImagesOption = settings.IMAGES, as_json: JsonOption = False
) -> None:
    """Show every image, the Python that AWS's has, and what it takes on the disk."""
    found = installed_images.listed(images_dir=images, cache_dir=cache or settings.default_cache())
    if as_json:
        _print_json([one.document(settings.REGION) for one in found])
        return
    width = max((len(one.name) for one in found), default=0)
    print(f"{'IMAGE':<{width}}  PYTHON  ON DISK")
    for one in found:
        print(
            f"{one.name:<{width}}  {one.python or '-':<6}  {size_in_words(one.size) if one.path else 'not installed'}"
        )


@app.command()
def pull(
    names: NamesArgument,
    *,
    cache: CacheOption = None,
    images: ImagesOption = settings.IMAGES,
    as_json: JsonOption = False,
) -> None:
    """Install images; those that are there already cost nothing."""
    kept = cache or settings.default_cache()
    wanted = [installed_images.find(name, images_dir=images) for name in names]
    found = [_pull(name, images=images, cache=kept) for name in wanted]
    if as_json:
        _print_json(found)


@app.command()
def remove(
    names: NamesArgument,
    *,
    cache: CacheOption = None,
    images: ImagesOption = settings.IMAGES,
    as_json: JsonOption = False,
) -> None:
    """Remove what is installed of images; a job that needs one again pulls it anew."""
    kept = cache or settings.default_cache()
    removed = []
    for name in [installed_images.find(each, images_dir=images) for each in names]:
        removal = installed_images.remove(name, images_dir=images, cache_dir=kept)
        removed.append(removal.document())
        if not as_json:
            print(removal)
    if as_json:
        _print_json(removed)


def _pull(name: str, *, images: Path, cache: Path) -> dict[str, Any]:
    """Install one, with uv's words about it; return what it is."""
    if container_images.is_installed(name, images_dir=images, cache_dir=cache):
        print(f"{name} is installed already.", file=sys.stderr)
    else:
        print(f"Pulling {name} …", file=sys.stderr)
    began = time.monotonic()
    image = container_images.pull(name, images_dir=images, cache_dir=cache, tell=_tell)
    seconds = time.monotonic() - began
    found = installed_images.describe(name, images_dir=images, cache_dir=cache)
    print(f"{name}: {size_in_words(found.size)}, {seconds:.1f} s. {image.notice}".rstrip(), file=sys.stderr)
    return {**found.document(settings.REGION), "seconds": round(seconds, 1), "notice": image.notice}


def _tell(line: str) -> None:
    print(f"  {line}", file=sys.stderr)


def _print_json(document: Any) -> None:
    print(json.dumps(document, indent=2))
