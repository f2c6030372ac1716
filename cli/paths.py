"""Paths of files and folders: the repository's, a lab's while it runs, and the user's cache between labs."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("BRICKLAB_HOME") or ROOT / ".lab").resolve()
GATEWAY = HOME / "aws"
ASSEMBLY = HOME / "cdk.out"
LOGS = HOME / "logs"
RECEIPTS = HOME / "receipts"
CDK_JSON = ROOT / "cdk.json"
CDK = ROOT / "node_modules" / ".bin" / "cdk"


def cache() -> Path:
    """Return the user's cache folder for Bricklab (XDG Base Directory Specification)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bricklab"
