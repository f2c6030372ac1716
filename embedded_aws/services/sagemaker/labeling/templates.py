"""Worker task templates: Liquid, with Ground Truth's own filters.

Sources: SageMaker's guide, "Adding automation with Liquid" (values are escaped unless a filter says otherwise;
`to_json`, `grant_read_access`, `skip_autoescape`), "Crowd HTML elements reference". A template is shown under a content
security policy that runs no script of its own, and with the crowd elements that the portal has: any other is refused.
Not compared with AWS: the limits on loops; that a script in a template runs there, and here none does.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from liquid import Environment
from liquid.exceptions import LiquidError
from markupsafe import Markup

from embedded_aws.runtime import s3_uris

if TYPE_CHECKING:
    from collections.abc import Mapping

ELEMENTS = ("crowd-button", "crowd-classifier", "crowd-form", "crowd-image-classifier")
_LINK_SECONDS = 3600
_ASSETS = re.compile(
    r"<script\b[^>]*\bsrc=[\"']https://assets\.crowd\.aws/[^\"']+[\"'][^>]*>\s*</script>", re.IGNORECASE
)
_SCRIPT = re.compile(r"<script\b|\bon[a-z]+\s*=\s*[\"']|javascript:", re.IGNORECASE)
_ELEMENT = re.compile(r"<(crowd-[a-z-]+)", re.IGNORECASE)


class TemplateError(Exception):
    """A template that can't be rendered; the message says why, in one sentence."""


class _Environment(Environment):
    loop_iteration_limit = 100_000
    output_stream_limit = 4_000_000


class Templates:
    """Renders templates as a role, whose S3 objects `grant_read_access` gives links to; `s3` is its client."""

    def __init__(self, s3: Any) -> None:
        self._environment = _Environment(autoescape=True)
        self._environment.add_filter(
            "to_json", lambda value: json.dumps(value, default=lambda _undefined: None, ensure_ascii=False)
        )
        self._environment.add_filter("skip_autoescape", Markup)
        self._environment.add_filter("grant_read_access", lambda value: _link(s3, str(value)))

    def render(self, content: str, task_input: Any) -> str:
        """Return a template's HTML for a task, without the script that AWS's crowd elements come in."""
        try:
            rendered: str = self._environment.from_string(content).render(task={"input": task_input})
        except LiquidError as error:
            raise TemplateError(_first_line(error)) from error
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
    try:
        _Environment().from_string(bare)
    except LiquidError as error:
        raise TemplateError(_first_line(error)) from error
    if "<crowd-form" not in bare.lower():
        raise TemplateError("The template has no crowd-form element: put all that workers answer into one.")


def _first_line(error: LiquidError) -> str:
    return str(error).partition("\n")[0]


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
