"""A seat's files while the seat is made anew, and when that is killed and begun again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli.aws.seat_files import SeatFiles
from cli.aws.session import Session, Target
from embedded_aws import gateway

if TYPE_CHECKING:
    from collections.abc import Callable

BUCKET = "seat-files"
FRESH = b"a notebook as the new seat has it"


def test_no_attempt_writes_over_what_one_before_has_kept(
    embedded: gateway.Gateway, client: Callable[[str], Any]
) -> None:
    """Killed when the new seat stood, and again: the student's notebook is there, beside the new seat's own."""
    s3, session = client("s3"), Session(Target.EMBEDDED, embedded.environment(), gateway.ACCOUNT, gateway.REGION)
    s3.create_bucket(Bucket=BUCKET)

    def put(name: str, body: bytes) -> None:
        s3.put_object(Bucket=BUCKET, Key=f"seats/ada/{name}", Body=body)

    def read(name: str) -> bytes:
        return bytes(s3.get_object(Bucket=BUCKET, Key=f"seats/ada/{name}")["Body"].read())

    for edited in (b"first", b"second"):
        put("train.ipynb", edited)
        put("notes.txt", edited)
        SeatFiles(session, BUCKET, "ada").set_aside()
        for name in ("train.ipynb", "notes.txt"):
            s3.delete_object(Bucket=BUCKET, Key=f"seats/ada/{name}")
        put("train.ipynb", FRESH)  # the new seat stands, and the command is killed
    again = SeatFiles(session, BUCKET, "ada")
    again.set_aside()
    again.bring_back()
    keys = [each["Key"].removeprefix("seats/ada/") for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert read("train.ipynb") == FRESH
    assert read("notes.txt") == b"second"
    kept = {read(key) for key in keys if key.startswith("before-rebuild/")}
    assert kept >= {b"first", b"second"}
    assert not [key for key in keys if key.startswith("aside/")]
