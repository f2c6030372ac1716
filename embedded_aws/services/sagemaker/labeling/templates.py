"""Worker task templates: Liquid, with Ground Truth's own filters.

Sources: SageMaker's guide, "Adding automation with Liquid" (values are escaped unless a filter says otherwise;
`to_json`, `grant_read_access`, `skip_autoescape`), "Crowd HTML elements reference". A template is shown under a content
security policy that runs no script of its own, and with the crowd elements that the portal has: any other is refused.
Not compared with AWS: the limits on loops; that a script in a template runs there, and here none does.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from embedded_aws.runtime import s3_uris

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from liquid import Environment

ELEMENTS = ("crowd-button", "crowd-classifier", "crowd-form", "crowd-image-classifier")
_LINK_SECONDS = 3600
_ASSETS = re.compile(
    r"<script\b[^>]*\bsrc=[\"']https://assets\.crowd\.aws/[^\"']+[\"'][^>]*>\s*</script>", re.IGNORECASE
)
_SCRIPT = re.compile(r"<script\b|\bon[a-z]+\s*=\s*[\"']|javascript:", re.IGNORECASE)
_ELEMENT = re.compile(r"<(crowd-[a-z-]+)", re.IGNORECASE)


class TemplateError(Exception):
    """A template that can't be rendered; the message says why, in one sentence."""


def _environment(**options: Any) -> Environment:
    """Make an environment with limits; Liquid is imported with the first one, for a gateway's start need not wait."""
    from liquid import Environment

    class Limited(Environment):
        loop_iteration_limit = 100_000
        output_stream_limit = 4_000_000

    return Limited(**options)


@contextmanager
def _told() -> Iterator[None]:
    """Raise TemplateError for what Liquid finds wrong, with its first line."""
    from liquid.exceptions import LiquidError

    try:
        yield
    except LiquidError as error:
        raise TemplateError(str(error).partition("\n")[0]) from error


class Templates:
    """Renders templates as a role, whose S3 objects `grant_read_access` gives links to; `s3` is its client."""

    def __init__(self, s3: Any) -> None:
        self._environment = _environment(autoescape=True)
        self._environment.add_filter(
            "to_json", lambda value: json.dumps(value, default=lambda _undefined: None, ensure_ascii=False)
        )
        self._environment.add_filter("skip_autoescape", Markup)
        self._environment.add_filter("grant_read_access", lambda value: _link(s3, str(value)))

    def render(self, content: str, task_input: Any) -> str:
        """Return a template's HTML for a task, without the script that AWS's crowd elements come in."""
        with _told():
            rendered: str = self._environment.from_string(content).render(task={"input": task_input})
        return _ASSETS.sub("", rendered)


def check(content: str) -> None:
    """Raise TemplateError for a template that has no form, or something that the portal has not got."""
    bare = _ASSETS.sub("", content)
    if unknown := sorted({name.lower() for name in _ELEMENT.findall(bare)} - {*ELEMENTS}):
        raise TemplateError(
            f"The embedded AWS has not got the crowd elements {', '.join(unknown)}; it has {', '.join(ELEMENTS)}."
        )
    if _SCRIPT.search(bare):
        raise TemplateError("The embedded AWS runs no script of a template's own: take it out, or label on AWS.")
    with _told():
        _environment().from_string(bare)
    if "<crowd-form" not in bare.lower():
        raise TemplateError("The template has no crowd-form element: put all that workers answer into one.")


def _link(s3: Any, uri: str) -> str:
    try:
        bucket, key = s3_uris.split(uri)
    except ValueError:
        return uri  # a public address needs no token
    return str(s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=_LINK_SECONDS))


def read_input(text: str) -> Mapping[str, Any]:
    """Return a task's input of its JSON. Raises TemplateError if it is none."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise TemplateError(f"Task.Input is not valid JSON: {error}.") from error
    if not isinstance(found, dict):
        raise TemplateError("Task.Input is not a JSON object.")
    return found
