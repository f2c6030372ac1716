"""What pip would have nothing to do for is told without it."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from embedded_aws.runtime.requirements import are_met

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "met"),
    [
        (f"# a comment\n\nnumpy=={version('numpy')}  # pinned\npillow\n", True),
        ('no-such-package; python_version < "3"\n', True),
        ("numpy==1.0\n", False),
        ("no-such-package\n", False),
        ("numpy[extra]\n", False),
        ("--index-url https://example.org/simple\nnumpy\n", False),
        ("numpy @ https://example.org/numpy.whl\n", False),
    ],
)
def test_only_plain_requirements_that_are_installed_are_met(tmp_path: Path, text: str, *, met: bool) -> None:
    """All else is left to pip, which may have something to do or to say."""
    file = tmp_path / "requirements.txt"
    file.write_text(text)
    assert are_met(file) is met
