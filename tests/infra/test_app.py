"""app.py, started as the CDK CLI starts it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from cli.programs import tool_environment
from infra import regions
from tests.infra.validated import MISTAKEN, ROOT, SAID

if TYPE_CHECKING:
    from pathlib import Path


def start(program: list[str], outdir: Path, *, region: str = "", **context: object) -> subprocess.CompletedProcess[str]:
    """Run the app with this context over cdk.json's own, for a region if one is named."""
    written = json.loads((ROOT / "cdk.json").read_text())["context"]
    environment = {
        **tool_environment(),
        "CDK_OUTDIR": str(outdir),
        "CDK_CONTEXT_JSON": json.dumps({**written, **context}),
    }
    environment |= {"CDK_DEFAULT_ACCOUNT": "111122223333", "CDK_DEFAULT_REGION": region} if region else {}
    return subprocess.run(
        [sys.executable, *program], cwd=ROOT, env=environment, check=False, capture_output=True, text=True
    )


def test_a_mistake_is_a_message_and_no_traceback(tmp_path: Path) -> None:
    """A wrong setting ends the app with what is wrong, and nothing is written."""
    ended = start(["app.py"], tmp_path, **{"lab.epochs": "0", "lab.name": "No"})
    assert ended.returncode == 1
    assert ended.stderr.startswith("The lab's settings have 2 problems:")
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "manifest.json").exists()


def test_the_app_fits_every_account_and_region(data_folder: Path, tmp_path: Path) -> None:
    """Without credentials the CLI names no account: the templates choose the images' registry by region themselves."""
    ended = start(["app.py"], tmp_path, **{"lab.data": str(data_folder)})
    assert ended.returncode == 0, ended.stderr
    template = json.loads((tmp_path / "bricklab-training.template.json").read_text())
    [registries] = template["Mappings"].values()
    assert registries == {name: {"account": region.registry} for name, region in regions.ACCEPTED.items()}


def test_the_cdk_s_rules_find_nothing_in_the_lab(validated: Path) -> None:
    """Every template is validated against CloudFormation's schemas: of all only the one with a mistake is reported."""
    assert len(list((validated / MISTAKEN).glob("*.template.json"))) == 7
    [report] = json.loads((validated / MISTAKEN / "validation-report.json").read_text())["pluginReports"]
    found = [each["constructPath"] for violation in report["violations"] for each in violation["violatingConstructs"]]
    assert found == ["mistaken/Mistake"], (validated / SAID).read_text()


def test_a_region_that_is_not_accepted_is_a_sentence_and_no_traceback(tmp_path: Path) -> None:
    """`cdk deploy` itself, without the lab's preflight: nothing of the engine's, and nothing is written."""
    ended = start(["app.py"], tmp_path, region="cn-north-1")
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [regions.refusal("cn-north-1")]
    assert not (tmp_path / "manifest.json").exists()


def test_app_is_short() -> None:
    """Under 40 lines, as the design has it."""
    assert len((ROOT / "app.py").read_text().splitlines()) < 40
