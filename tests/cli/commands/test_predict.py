"""`predict` says in one sentence why a file is not taken: before anything is sent, or as the model says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from cli.aws.session import Target
from cli.aws.ways import Way
from cli.commands.predict import predict, sentence
from cli.ui.errors import LabError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("name", "advice"), [("photo.jpg", "save it smaller"), ("photos.npy", "send it in parts")])
def test_what_is_too_large_is_named_with_what_to_do(tmp_path: Path, name: str, advice: str) -> None:
    """One sentence: the file, its size, the limit, the next step."""
    file = tmp_path / name
    file.write_bytes(bytes(6_291_457))
    with pytest.raises(LabError) as refused:
        predict(Target.EMBEDDED, (), [str(file)], via=Way.ENDPOINT, as_json=False)
    limit = "has 6,291,457 bytes; it may have 6,291,456 at most"
    assert str(refused.value).startswith(f"{file} {limit}: {advice}")


@pytest.mark.parametrize(
    "original",
    [
        "Too dark.",
        '{"error": "Too dark."}',
        r'{"title": "400 Bad Request", "description": "{ \"error\": \"Too dark.\" }"}',
    ],
)
def test_a_refusal_is_the_models_own_sentence(original: str) -> None:
    """However deep the container's answers have it."""
    response: Any = {"Error": {"Code": "ModelError", "Message": "x"}, "OriginalMessage": original}
    assert sentence(ClientError(response, "InvokeEndpoint")) == "Too dark."
