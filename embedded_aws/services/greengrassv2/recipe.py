"""A component's recipe: read from JSON or YAML, and held against AWS's schema for recipes.

Sources: the guide's component recipe reference, the schema in AWS's development kit (aws-greengrass/
aws-greengrass-gdk-cli, gdk/static/recipe_schema.json: keys in any case, which are required, which values there are),
and aws-greengrass-component-common, ComponentRecipe.java (name, length and digits of a version). Not compared with AWS:
the sentences about what is wrong in a recipe; those about artifacts are what users quote.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import yaml

from embedded_aws.json_schemas import JsonSchema
from embedded_aws.services.sagemaker.errors import ServiceError, validation_exception

if TYPE_CHECKING:
    from collections.abc import Iterator

    Recipe = dict[str, Any]

FORMATS = ("JSON", "YAML")
# Semantic Versioning 2.0.0, with at most six digits a number.
_VERSION = re.compile(
    r"(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})"
    r"(-(0|[1-9]\d*|\d*[a-zA-Z-][\da-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][\da-zA-Z-]*))*)?(\+[\da-zA-Z-]+(\.[\da-zA-Z-]+)*)?"
)
_VERSION_LENGTH = 64

_TEXT: dict[str, Any] = {"type": "string"}
_ACCESS = {"enum": ["none", "owner", "all"]}
_ENVIRONMENT = {"type": ["object", "string"]}
_STEP = {
    "type": ["string", "object"],
    "properties": {
        "script": {"type": ["string", "array"]},
        "skipif": {"type": "string", "pattern": r"^(onpath|exists)\s+.*"},
        "requiresprivilege": {"type": ["boolean", "string"]},
        "setenv": _ENVIRONMENT,
        "timeout": {"type": ["integer", "string"]},
    },
}
_STEPS = ("bootstrap", "install", "startup", "run", "shutdown", "recover")
_LIFECYCLE = {"type": "object", "properties": {"setenv": _ENVIRONMENT, **dict.fromkeys(_STEPS, _STEP)}}
_ARTIFACT = {
    "type": "object",
    "required": ["uri"],
    "additionalProperties": False,
    "properties": {
        "uri": _TEXT,
        "unarchive": {"enum": ["none", "zip"]},
        "permission": {"type": "object", "properties": {"read": _ACCESS, "execute": _ACCESS}},
        "digest": _TEXT,
        "algorithm": _TEXT,
    },
}
_MANIFEST = {
    "type": "object",
    "properties": {
        "name": _TEXT,
        "platform": {"type": "object", "additionalProperties": _TEXT},
        "lifecycle": _LIFECYCLE,
        "selections": {"type": ["array", "string"]},
        "artifacts": {"type": "array", "items": _ARTIFACT},
    },
}
_SCHEMA = {
    "type": "object",
    "required": ["recipeformatversion", "componentname", "componentversion", "manifests"],
    "additionalProperties": False,
    "properties": {
        "recipeformatversion": {"enum": ["2020-01-25"]},
        "componentname": {"type": "string", "pattern": "^[a-zA-Z0-9-_.]+$", "maxLength": 128},
        "componentversion": {"type": "string", "maxLength": _VERSION_LENGTH},
        "componenttype": {"enum": [f"aws.greengrass.{kind}" for kind in ("nucleus", "generic", "plugin", "lambda")]},
        "componentdescription": _TEXT,
        "componentpublisher": _TEXT,
        "componentsource": _TEXT,
        "componentconfiguration": {"type": "object"},
        "componentdependencies": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "required": ["versionrequirement"],
                "properties": {"versionrequirement": _TEXT, "dependencytype": {"enum": ["soft", "hard"]}},
            },
        },
        "manifests": {"type": "array", "items": _MANIFEST},
        "lifecycle": {"type": "object"},
    },
}
_RECIPE = JsonSchema(_SCHEMA)
# Of these the values are the recipe's own, or names.
_OPAQUE = {"componentconfiguration", "platform", "setenv", "componentdependencies"}
# Values whose case does not count.
_CHOICES = {"unarchive", "read", "execute", "dependencytype", "componenttype"}


def read(content: bytes) -> Recipe:
    """Return the recipe. Raises ValidationException, in one sentence, for what is no recipe."""
    try:
        recipe = _parsed(content.decode())
    except (ValueError, yaml.YAMLError) as error:
        first = str(error).partition("\n")[0]
        raise validation_exception(f"Invalid Input: The recipe is neither JSON nor YAML: {first}") from None
    plain = _lowered(recipe)
    problem = _RECIPE.main_error(plain)
    if problem is not None:
        where = "/".join(str(part) for part in problem.absolute_path) or "the recipe"
        raise validation_exception(f"Invalid Input: At {where}: {problem.message}")
    if not _VERSION.fullmatch(plain["componentversion"]):
        raise validation_exception(
            f"Invalid Input: Component version {plain['componentversion']!r} is no semantic version such as 1.0.0"
        )
    found: Recipe = recipe
    return found


def write(recipe: Recipe, output: str) -> bytes:
    """Return the recipe as JSON or YAML."""
    if output == "YAML":
        text: str = yaml.safe_dump(recipe, sort_keys=False)
        return text.encode()
    return json.dumps(recipe).encode()


def member(of: Any, name: str, default: Any = None) -> Any:
    """Return a member by its name, whatever the case of its key."""
    return next((value for key, value in of.items() if key.lower() == name.lower()), default)


def artifacts(recipe: Recipe) -> Iterator[dict[str, Any]]:
    """Yield the artifacts of all manifests."""
    for manifest in member(recipe, "Manifests", []):
        yield from member(manifest, "Artifacts", [])


def refusal_of_artifacts(uris: list[str]) -> ServiceError:
    """Return AWS's refusal of artifacts that can't be read (aws/aws-cli#6261)."""
    problems = ", ".join(f"{uri} = Specified artifact resource cannot be accessed" for uri in uris)
    return validation_exception(f"Invalid Input: Encountered following errors in Artifacts: {{{problems}}}")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return yaml.safe_load(text)


def _lowered(value: Any, key: str = "") -> Any:
    """Return the value with keys in lower case, as AWS compares them."""
    if isinstance(value, dict):
        if key in _OPAQUE - {"componentdependencies"}:
            return value
        return {
            str(name).lower() if key != "componentdependencies" else name: _lowered(each, str(name).lower())
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [_lowered(each, key) for each in value]
    return value.lower() if key in _CHOICES and isinstance(value, str) else value
