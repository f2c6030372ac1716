"""AWS's managed policies: what `arn:aws:iam::aws:policy/AmazonSageMakerFullAccess` and its like grant.

moto reads them from an account for each release (Apache 2; its data is all that is used of it), so that a newer pin
brings what AWS has changed. Of each there is the version that is the default one, without its description.
"""

from __future__ import annotations

import importlib.util
import json
import runpy
from pathlib import Path
from typing import Any

_PACKAGE = "moto"
_FILE = "iam/aws_managed_policies.py"
_NAME = "aws_managed_policies_data"


def read() -> dict[str, dict[str, Any]]:
    """Every policy by its ARN's resource, path and name: document, version and dates. Takes a sixth of a second."""
    # The package itself is not imported: it would take seconds.
    found = importlib.util.find_spec(_PACKAGE)
    [folder] = (found and found.submodule_search_locations) or [""]
    policies = json.loads(runpy.run_path(str(Path(folder, _FILE)))[_NAME])
    return {f"{policy['Path'].lstrip('/')}{name}": policy for name, policy in policies.items()}
