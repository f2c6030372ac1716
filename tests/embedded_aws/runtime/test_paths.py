"""Only whole absolute paths of a container are rewritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded_aws.runtime.paths import rewrite_paths

MOUNTS = {"/home/ec2-user": Path("/seat/home"), "/opt/ml": Path("/seat/ml"), "/opt/ml/model": Path("/m")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/home/ec2-user", "/seat/home"),
        ("home=/home/ec2-user/SageMaker", "home=/seat/home/SageMaker"),
        ("""ls "/home/ec2-user" '/opt/ml'/x""", """ls "/seat/home" '/seat/ml'/x"""),
        ("PATH=/opt/ml:/home/ec2-user:/bin", "PATH=/seat/ml:/seat/home:/bin"),
        ("cat </opt/ml/in >/opt/ml/out", "cat </seat/ml/in >/seat/ml/out"),
        ("$(ls /opt/ml)", "$(ls /seat/ml)"),
        ("It lies in /opt/ml.", "It lies in /seat/ml."),
        ("file:///opt/ml/a", "file:///seat/ml/a"),
        (
            "--out=/opt/ml, `/opt/ml`\n/opt/ml\ttwice; MODEL='/opt/ml/x';",
            "--out=/seat/ml, `/seat/ml`\n/seat/ml\ttwice; MODEL='/seat/ml/x';",
        ),
        ("/opt/ml/model /opt/ml/model/1 /opt/ml/models", "/m /m/1 /seat/ml/models"),
    ],
)
def test_a_mounted_path_is_rewritten(text: str, expected: str) -> None:
    """Wherever a shell script can write a path; of two mounts the one that says more wins."""
    assert rewrite_paths(text, MOUNTS) == expected


@pytest.mark.parametrize(
    "text",
    [
        "/home/ec2-user2/x",
        "/home/ec2-user-old",
        "/opt/ml.bak",
        "/opt/ml_2",
        "/opt/ml~",
        "https://opt/ml",
        "/opt",
        "/srv/opt/ml",
        "$ROOT/opt/ml ${ROOT}/opt/ml $(pwd)/opt/ml ~/opt/ml ./opt/ml",
        "s3://bucket/opt/ml",
        "home/ec2-user",
    ],
)
def test_another_path_stays(text: str) -> None:
    """A longer name, a path within another and a key in S3 are not it."""
    assert rewrite_paths(text, MOUNTS) == text


def test_a_rewritten_path_is_not_rewritten_again() -> None:
    """A mount may lie below another's path."""
    assert rewrite_paths("/tmp/x", {"/tmp": Path("/opt/ml/tmp"), "/opt/ml": Path("/tmp/ml")}) == "/opt/ml/tmp/x"  # noqa: S108 - names


def test_nothing_is_mounted() -> None:
    """Without mounts a text stays as it is."""
    assert rewrite_paths("/opt/ml", {}) == "/opt/ml"
