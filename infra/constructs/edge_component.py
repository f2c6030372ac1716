"""The model as a component of AWS IoT Greengrass: what a device installs, and how it answers there.

Sources: Greengrass's guide, "Component recipe reference" (lifecycle, Skipif, recipe variables), "Interact with AWS
services" (the token exchange service) and "Set component artifact URIs in S3" (what a device's role must read).
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_cdk import Fn, Stack
from aws_cdk import aws_greengrassv2 as greengrass
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra import function_package
from teardown import names

if TYPE_CHECKING:
    from infra.settings import Settings

_REQUIREMENTS = "requirements-edge.txt"
_DIGITS = 8
_INSTALLED = "{work:path}/python/installed"
_PYTHON = "{work:path}/python/bin/python"


class EdgeComponent(Construct):
    """A version of the component `<lab>-model`, another one for another model or other code: none ever changes."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        model_code: Path,
        artifact: str,
        bucket_name: str,
    ) -> None:
        super().__init__(scope, construct_id)
        files = [model_code / name for name in (*function_package.SERVED, "edge.py", _REQUIREMENTS)]
        with tempfile.TemporaryDirectory() as place:
            archive = Path(place) / "edge.zip"
            function_package.write(archive, {file.name: file for file in files})
            digest = hashlib.sha256(archive.read_bytes()).hexdigest()
            code = assets.Asset(self, "Code", path=str(archive), asset_hash=digest)
        lab = settings.name
        # Below training/ an artifact lies under its job's name, which begins with the lab's; a lone number in a version
        # must not begin with 0.
        job = Fn.select(0, Fn.split("/", Fn.select(1, Fn.split(f"training/{lab}-", artifact))))
        component = greengrass.CfnComponentVersion(
            self,
            "Version",
            inline_recipe=Stack.of(self).to_json_string(
                {
                    "RecipeFormatVersion": "2020-01-25",
                    "ComponentName": names.edge_component(lab),
                    "ComponentVersion": f"1.0.0-c{digest[:_DIGITS]}.j{job}",
                    "ComponentDescription": f"Answers for photos of bricks, as the endpoint of the lab {lab} does.",
                    "ComponentPublisher": lab,
                    "ComponentConfiguration": {"DefaultConfiguration": _configuration(bucket_name)},
                    "ComponentDependencies": {
                        "aws.greengrass.TokenExchangeService": {
                            "VersionRequirement": ">=2.0.0 <3.0.0",
                            "DependencyType": "SOFT",
                        }
                    },
                    "Manifests": [_manifest(artifact, code)],
                }
            ),
        )
        self.arn = component.attr_arn


def _configuration(bucket_name: str) -> dict[str, str]:
    """Return what a deployment may set otherwise; `bucket` "" delivers nothing, `more` may be `--once`."""
    return {
        "photos": "/var/lib/bricklab/photos",
        "results": "/var/lib/bricklab/results",
        "bucket": bucket_name,
        "prefix": "edge/",
        "more": "",
    }


def _manifest(artifact: str, code: assets.Asset) -> dict[str, Any]:
    # An archive is unpacked into a folder of its name, which is the asset's hash.
    unpacked = f"{{artifacts:decompressedPath}}/{code.asset_hash}"
    run = (
        f'exec "{_PYTHON}" "{unpacked}/edge.py" --artifact "{{artifacts:path}}/model.tar.gz" '
        '--photos "{configuration:/photos}" --results "{configuration:/results}" --bucket "{configuration:/bucket}" '
        '--prefix "{configuration:/prefix}{iot:thingName}/" {configuration:/more}'
    )
    return {
        "Platform": {"os": "linux"},
        "Artifacts": [
            {"Uri": code.s3_object_url, "Unarchive": "ZIP", "Permission": {"Read": "OWNER", "Execute": "NONE"}},
            {"Uri": artifact, "Unarchive": "NONE", "Permission": {"Read": "OWNER", "Execute": "NONE"}},
        ],
        "Lifecycle": {
            "Install": {
                "Skipif": f"exists {_INSTALLED}",
                "Script": f'python3 -m venv "{{work:path}}/python" && "{_PYTHON}" -m pip install --quiet '
                f'--disable-pip-version-check --require-hashes -r "{unpacked}/{_REQUIREMENTS}" && touch "{_INSTALLED}"',
                "Timeout": 900,
            },
            "Run": {"Script": run},
        },
    }
