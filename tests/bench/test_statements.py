"""What `./lab bench statements` makes of what embedded AWSs have recorded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bench.statements import recorded
from bench.support.excepted import reason

if TYPE_CHECKING:
    from pathlib import Path


def record(folder: Path, role: str, alone: int, **statement: Any) -> None:
    """Write what an embedded AWS would have, of one statement."""
    folder.mkdir()
    use = {"role": role, "statement": {"Effect": "Allow", **statement}, "decided": alone, "alone": alone}
    (folder / "statements.json").write_text(json.dumps([use]))


def test_a_statement_is_the_same_in_every_lab_and_seat(tmp_path: Path) -> None:
    """Names of labs and seats and generated ones don't tell two apart: what one lab needs, no other has to."""
    for number, (lab, seat, hashed, alone) in enumerate(
        (("e2e", "ada", "1ABCC5F0-0EA8B45FAD54A", 0), ("school", "seat-01", "1ABCC5F0-7C1E55A9E1B2F", 2))
    ):
        record(
            tmp_path / str(number),
            f"{lab}-seat-{seat}-NotebookRole{hashed}",
            alone,
            Action=["s3:PutObject"],
            Resource=[f"arn:aws:s3:::{lab}-storage-bucket83908e77-{number}e7d8c7386f02/seats/{seat}/*"],
            Condition={"StringLike": {"s3:prefix": [f"seats/{seat}/*"]}},
        )
    [(statement, needed)] = recorded(tmp_path).items()
    assert statement.role == "seat NotebookRole"
    assert needed == 2


def test_the_roles_of_others_are_not_looked_at(tmp_path: Path) -> None:
    """The CDK's bootstrap is not the lab's to mend."""
    record(tmp_path / "aws", "cdk-hnb659fds-deploy-role-000000000000-us-east-1", 0, Action=["s3:*"], Resource=["*"])
    assert not recorded(tmp_path)


def test_an_exception_names_role_and_action() -> None:
    """What is excepted for one role is so for no other, and nothing else of that role is."""
    assert reason("training JobHandlerOnEventRole", ["lambda:GetFunction"])
    assert reason("training Role", ["lambda:GetFunction"]) is None
    assert reason("training JobHandlerOnEventRole", ["lambda:InvokeFunction"]) is None
