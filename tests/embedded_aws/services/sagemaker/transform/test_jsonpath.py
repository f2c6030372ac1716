"""Filters of transform jobs select what AWS documents for each of its operators."""

from __future__ import annotations

import re
from typing import Any

import pytest

from embedded_aws.services.sagemaker.transform.jsonpath import Path, PathError

RECORD = {"id": 5, "features": [1, 2, 3], "a b": {"c": [{"d": 7}, {"d": 8}, {}]}}


@pytest.mark.parametrize(
    ("path", "selected"),
    [
        ("$", RECORD),
        ("$.id", 5),
        ("$['id']", 5),
        ("$['id','features']", {"id": 5, "features": [1, 2, 3]}),
        ("$['id','nothing']", {"id": 5}),
        ("$.features[1]", 2),
        ("$.features[-1]", 3),
        ("$.features[0, -1]", [1, 3]),
        ("$.features[1:]", [2, 3]),
        ("$.features[:-1]", [1, 2]),
        ("$.features.[0]", 1),
        ("$.features.*", [1, 2, 3]),
        ("$['a b'].c[*].d", [7, 8]),
        ("$.features[9:]", []),
    ],
)
def test_selects(path: str, selected: Any) -> None:
    """One name or number leads to a value, several names to an object, all else to a list."""
    assert Path(path).select(RECORD) == selected


@pytest.mark.parametrize("path", ["$.nothing", "$.features[3]", "$.features[0,9]", "$.id.more", "$[0]"])
def test_leads_nowhere(path: str) -> None:
    """A path to a value that is not there says so."""
    with pytest.raises(PathError, match="leads nowhere"):
        Path(path).select(RECORD)


@pytest.mark.parametrize("path", ["id", "$..id", "$[?(@.id)]", "$.a.", "$['a'", "$[0:2:1]", "$.length()", "$ .id"])
def test_refuses_other_operators(path: str) -> None:
    """What AWS does not document is refused, and the path is quoted."""
    with pytest.raises(PathError, match=re.escape(repr(path))):
        Path(path)
