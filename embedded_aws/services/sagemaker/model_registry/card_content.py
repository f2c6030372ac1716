"""The content of model cards: a JSON document of sections that AWS's schemas name.

Sources: SageMaker's guide, "Model card JSON schema" and "Model package model card schema"; which paths are told without
the key: botocore's model of DescribeModelCard. Of a section only its name and that it is an object or an array is
checked, and the risk rating's value; what is in it is the reader's. Not compared with AWS: the sentences.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.errors import validation_exception

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECTIONS: dict[str, type] = {
    "model_overview": dict,
    "intended_uses": dict,
    "business_details": dict,
    "training_details": dict,
    "evaluation_details": list,
    "additional_information": dict,
}
OF_PACKAGES: Mapping[str, type] = _SECTIONS
OF_MODELS: Mapping[str, type] = {**_SECTIONS, "model_package_details": dict}
_RISKS = ("High", "Medium", "Low", "Unknown")
_TOLD = (
    ("model_overview", "model_id"),
    ("model_overview", "model_name"),
    ("intended_uses", "risk_rating"),
    ("model_package_details", "model_package_group_name"),
    ("model_package_details", "model_package_arn"),
)


def check(content: str | None, sections: Mapping[str, type]) -> None:
    """Raise ValidationException unless it is a document of these sections; None is none."""
    if content is None:
        return
    document = _document(content)
    unknown = sorted(document.keys() - sections.keys())
    if unknown:
        raise validation_exception(
            f"Model card content has the section {unknown[0]}; the schema of model cards has: {', '.join(sections)}."
        )
    for name, section in document.items():
        if not isinstance(section, sections[name]):
            what = "an array" if sections[name] is list else "an object"
            raise validation_exception(f"Model card content: {name} must be {what}.")
    risk = document.get("intended_uses", {}).get("risk_rating")
    if risk is not None and risk not in _RISKS:
        raise validation_exception(f"Model card content: risk_rating must be one of {', '.join(_RISKS)}.")


def value_at(content: str, *path: str) -> Any:
    """Return the value at a path of a content that was checked, None if it has none there."""
    value: Any = json.loads(content)
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def metadata(content: str) -> str:
    """Return the content with those fields only that IncludedData MetadataOnly tells."""
    told: dict[str, dict[str, Any]] = {}
    for section, name in _TOLD:
        value = value_at(content, section, name)
        if value is not None:
            told.setdefault(section, {})[name] = value
    return json.dumps(told)


def _document(content: str) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except ValueError as error:
        raise validation_exception(f"Model card content must be JSON: {error}.") from error
    if not isinstance(document, dict):
        raise validation_exception("Model card content must be a JSON object.")
    return document
