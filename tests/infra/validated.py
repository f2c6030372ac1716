"""Labs that the CDK holds against its rules: `python -m tests.infra.validated DATA FOLDER`.

A process of its own for all of them: the CDK's kernel reads CDK_VALIDATION as it starts, and to read the rules takes it
longer than to synthesise ten labs. Below the folder, each app has one of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from cli.programs import tool_environment
from infra.regions import ACCEPTED
from infra.settings import read

ROOT = Path(__file__).resolve().parent.parent.parent
MISTAKEN, SAID = "mistaken", "said.txt"
_WHOLE = {"seats": ["ada", "grace"], "lease": "8h", "notify": ["ops@example.org"], "owner": "ana"}
_OF_REGIONS = {"lease": "8h", "notify": ["ops@example.org"], "seats": 1}


def regions() -> list[str]:
    """Return one region of each kind: of all that lack the same."""
    return [*{region.lacks: name for name, region in ACCEPTED.items()}.values()]


def synthesise(data: Path, folder: Path) -> None:
    """Synthesise a lab for each kind of region, and one with a mistake in it; keep what the CDK says of that."""
    environment = {name: value for name, value in tool_environment().items() if name != "CDK_VALIDATION"}
    # The app's own flags make the rules' findings errors.
    environment["CDK_CONTEXT_JSON"] = json.dumps(json.loads((ROOT / "cdk.json").read_text())["context"])
    program = [sys.executable, "-m", __name__, str(data), str(folder)]
    ended = subprocess.run(program, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    assert [*regions(), MISTAKEN] == ended.stdout.split(), ended.stderr
    (folder / SAID).write_text(ended.stderr)


def main(data: Path, folder: Path) -> None:
    """Synthesise them here; print which are being made."""
    import aws_cdk as cdk

    from infra import composition

    assert "CDK_VALIDATION" not in os.environ
    for name in regions():
        app = cdk.App(outdir=str(folder / name))
        env = cdk.Environment(account="111122223333", region=name)
        composition.compose(app, read({"lab": _OF_REGIONS}), data, env=env)
        app.synth()
        print(name, flush=True)
    app = cdk.App(outdir=str(folder / MISTAKEN))
    composition.compose(app, read({"lab": _WHOLE}), data)
    cdk.CfnResource(cdk.Stack(app, MISTAKEN), "Mistake", type="AWS::S3::Bucket", properties={"Colour": "red"})
    print(MISTAKEN, flush=True)
    app.synth()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
