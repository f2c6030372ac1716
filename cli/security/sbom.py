"""Software bills of materials in CycloneDX's JSON: of each Python environment and image, and of Node's packages.

cyclonedx-py and npm make them. What these can't know is added: what the bill is of, the hashes of the lock, and the
licences that were looked up by hand.
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from cli import paths
from cli.programs import installed, output
from cli.security.declared_licences import BY_HAND, declared
from cli.security.installations import LAB
from cli.security.locks import pins

if TYPE_CHECKING:
    from cli.security.installations import Place

NODE = "node"
_OWN = "embedded-aws"  # of this checkout: no lock has it


def of_python(place: Place) -> dict[str, Any]:
    """Return the bill of an environment or image, in CycloneDX 1.6; it is installed first if need be."""
    made = ["environment", "--spec-version", "1.6", "--no-validate", str(place.install())]
    bill: dict[str, Any] = json.loads(output([*installed("cyclonedx-py"), *made]))
    hashes = {(canonicalize_name(pin.name), pin.version): pin.hashes for pin in pins(place.lock)}
    licences = {canonicalize_name(each.name): declared(each.metadata) for each in place.packages()}
    for component in bill["components"]:
        name = canonicalize_name(component["name"])
        references = [each for each in component.get("externalReferences", ()) if not each["url"].startswith("file:")]
        if allowed := hashes.get((name, component["version"])):
            references.append(
                {
                    "type": "distribution",
                    "url": f"https://pypi.org/project/{name}/{component['version']}/#files",
                    "comment": f"the files that {place.lock.name} allows",
                    "hashes": [{"alg": "SHA-256", "content": each} for each in allowed],
                }
            )
        component["externalReferences"] = references
        if name in BY_HAND:
            component["licenses"] = [{"expression": BY_HAND[name], "acknowledgement": "concluded"}]
        elif "licenses" not in component:
            component["licenses"] = [{"license": {"name": licences[name], "acknowledgement": "declared"}}]
    asked = {canonicalize_name(pin.name) for pin in pins(place.asked)} | {_OWN}
    wanted = [each["bom-ref"] for each in bill["components"] if canonicalize_name(each["name"]) in asked]
    bill["metadata"]["component"] = _subject(place)
    bill["dependencies"].append({"ref": place.name, "dependsOn": sorted(wanted)})
    return bill


def of_node() -> dict[str, Any]:
    """Return the bill of what package-lock.json has, in npm's CycloneDX 1.5."""
    npm = str(Path(sys.executable).with_name("npm"))
    bill: dict[str, Any] = json.loads(output([npm, "sbom", "--sbom-format", "cyclonedx", "--package-lock-only"]))
    return bill


def _subject(place: Place) -> dict[str, str]:
    """Return what the bill is of. An image has no version but its content, and bears the tag in its name."""
    if place.name == LAB:
        project = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return {"type": "application", "bom-ref": LAB, "name": project["name"], "version": project["version"]}
    return {"type": "container" if place.is_image else "application", "bom-ref": place.name, "name": place.name}
