"""The app in every profile, under cdk-nag's AwsSolutions rules: `python -m infra.audit FOLDER`.

Writes each profile's templates to a folder of its own, and `audit.json`: cdk-nag's findings, what the constructs
acknowledge of any checker's, which construct each resource of a template is, and the regions that a template is for.
The profile with everything on is written once more for each kind of region in which something is left out.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra import composition
from infra.constructs.findings import METADATA
from infra.regions import ACCEPTED, labelling_refusal, monitoring_refusal, retraining_refusal, serving_refusal
from infra.settings import DATA_FILES, read
from model_code.data import LABELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def main() -> None:
    """Synthesise all profiles with data, photos and a package that are stand-ins: no template depends on them."""
    folder = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as place:
        data, photos = Path(place) / "data", Path(place) / "photos"
        for file in (*(data / name for name in DATA_FILES), *(photos / name / "1.png" for name in LABELS)):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(file.name)
        function = Path(place) / "function.zip"
        ZipFile(function, "w").close()
        every = profiles(data=data, photos=photos)
        audits = [_audit(folder / name, settings, function, region=None) for name, settings in every.items()]
        wanting = {_alike(region)[0] for region in ACCEPTED if ACCEPTED[region].lacks}
        audits += [_audit(folder / region, every["everything"], function, region=region) for region in sorted(wanting)]
    audit = {part: [each for found in audits for each in found[part]] for part in audits[0]}
    (folder / "audit.json").write_text(json.dumps(audit))


def profiles(*, data: Path, photos: Path) -> dict[str, Mapping[str, Any]]:
    """Return the settings under which every template is checked, by the name of the profile.

    Together they turn on, and off, whatever changes a template. `data` has the four files, `photos` a folder for each
    class.
    """
    return {
        "default": {"data": str(data)},
        "everything": {
            "photos": str(photos),
            "owner": "Ana",
            "lease": "8h",
            "notify": ["ops@example.org"],
            "seats": ["ada", "grace", "linus"],
            "seat_instance_types": ["ml.m5.large", "ml.c5.xlarge"],
            "training_instance_count": 2,
            "spot": True,
            "hosting": "async",
            "rollout": "canary",
            "serve_also": ["web"],
        },
        "algorithm": {"data": str(data), "seats": 0, "algorithm": "xgboost", "features": "hidden"},
        "serverless": {"data": str(data), "seats": 0, "hosting": "serverless", "serve_also": ["rest", "web"]},
        "monitored": {"data": str(data), "seats": 1, "monitor": "hourly"},
        "labelled": {"data": str(data), "seats": 0, "labelling": "ground-truth"},
        "retrained": {"data": str(data), "seats": 0, "retraining": True},
        "served elsewhere": {"data": str(data), "seats": 0, "serve_also": ["lambda", "edge"]},
        # Instances whose own disks SageMaker takes no key for, another backend, and whatever can be left out left out.
        "least": {
            "data": str(data),
            "budget": 0,
            "dashboard": False,
            "capture_percentage": 0,
            "idle_minutes": 0,
            "backend": "jax",
            "training_instance_type": "ml.g4dn.xlarge",
            "endpoint_instance_type": "ml.g4dn.xlarge",
            "endpoint_instances": "1-4",
        },
    }


def _audit(
    folder: Path, settings: Mapping[str, Any], function: Path, *, region: str | None
) -> dict[str, list[dict[str, Any]]]:
    context = json.loads((composition.ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    given = {**context["lab"], **settings}
    app = cdk.App(outdir=str(folder), context={**context, "lab": given})
    env = cdk.Environment(region=region) if region else None
    lab = read({"lab": given})
    served = function if "lambda" in lab.serve_also else None
    composition.compose(app, lab, Path(given["photos"] or given["data"]), function=served, env=env)
    app.synth()
    regions = [
        name
        for name in _alike(region)
        if not monitoring_refusal(name, lab.monitor)
        and not labelling_refusal(name, lab.labelling)
        and not retraining_refusal(name, wanted=lab.retraining)
        and not serving_refusal(name, lab.serve_also)
    ]
    return {
        "findings": findings(app),
        "acknowledgments": list(_acknowledgments(folder)),
        "resources": list(_resources(folder)),
        "templates": [
            {"template": str(template), "regions": regions} for template in sorted(folder.glob("*.template.json"))
        ],
    }


def _alike(region: str | None) -> list[str]:
    """Return the regions that lack what this one does; a template for no region in particular has all."""
    lacks = ACCEPTED[region].lacks if region else frozenset()
    return [name for name, each in ACCEPTED.items() if each.lacks == lacks]


def findings(app: cdk.App) -> list[dict[str, str]]:
    """Return what cdk-nag finds in an app that is synthesised: path of the construct, rule, message."""
    return [
        {"path": resource.construct_path, "rule": violation.rule_name, "message": violation.description}
        for violation in AwsSolutionsChecks(app).validate_scope(app).violations
        for resource in violation.violating_resources
    ]


def _acknowledgments(assembly: Path) -> Iterator[dict[str, str]]:
    """Read from the assembly: a class has many, and asking each construct takes a call to the CDK's engine."""
    for path, kind, entry in _metadata(assembly):
        if kind == METADATA:
            for rule, reason in entry.items():
                yield {"path": path, "rule": rule, "reason": reason}


def _resources(assembly: Path) -> Iterator[dict[str, str]]:
    for path, kind, entry in _metadata(assembly):
        if kind == "aws:cdk:logicalId":
            template = assembly / f"{path.partition('/')[0]}.template.json"
            yield {"template": str(template), "logical_id": entry, "path": path}


def _metadata(assembly: Path) -> Iterator[tuple[str, str, Any]]:
    for file in assembly.glob("*.metadata.json"):
        for path, entries in json.loads(file.read_text(encoding="utf-8")).items():
            for entry in entries:
                yield path.strip("/"), entry["type"], entry.get("data")


if __name__ == "__main__":
    main()
