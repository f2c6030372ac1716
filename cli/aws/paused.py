"""What of a lab is paused: a parameter of Systems Manager each, written before it goes and deleted when it is back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from teardown.scope import TAG

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.aws.session import Session


@dataclass(frozen=True)
class Kept:
    """One thing that is paused, and what it takes to bring it back: of an endpoint its config's name and its tags."""

    kind: str
    name: str
    config: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, str]:
        """For programs."""
        return {"kind": self.kind, "name": self.name}


def find(session: Session, lab: str) -> list[Kept]:
    """All that is paused."""
    path = _path(lab)
    pages = session.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=path, Recursive=True)
    return [_read(p["Name"].removeprefix(f"{path}/"), p["Value"]) for page in pages for p in page["Parameters"]]


def keep(session: Session, lab: str, kept: Kept) -> None:
    """Write down that this is paused, in the place of what an interrupted pause may have written."""
    ssm = session.client("ssm")
    name = _parameter(lab, kept)
    request = {
        "Name": name,
        "Description": f"What of the lab {lab} is paused",
        "Value": json.dumps({"config": kept.config, "tags": dict(kept.tags)}),
        "Type": "String",
        "Tier": "Intelligent-Tiering",  # fifty long tags are more than a standard parameter holds
    }
    try:
        ssm.put_parameter(**request, Tags=[{"Key": TAG, "Value": lab}])
    except ssm.exceptions.ParameterAlreadyExists:
        ssm.put_parameter(**request, Overwrite=True)


def forget(session: Session, lab: str, kept: Kept) -> None:
    """It is back, or never will be."""
    ssm = session.client("ssm")
    try:
        ssm.delete_parameter(Name=_parameter(lab, kept))
    except ssm.exceptions.ParameterNotFound:
        return


def _read(place: str, value: str) -> Kept:
    kind, _, name = place.partition("/")
    document = json.loads(value)
    return Kept(kind.replace("-", " "), name, document["config"], document["tags"])


def _path(lab: str) -> str:
    return f"/{lab}/paused"


def _parameter(lab: str, kept: Kept) -> str:
    return f"{_path(lab)}/{kept.kind.replace(' ', '-')}/{kept.name}"
