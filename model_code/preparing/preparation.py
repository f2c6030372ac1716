"""One preparation, from the listing to the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from preparing.archive import deliver
from preparing.arrays import write_arrays
from preparing.listing import list_photos
from preparing.looking import look_at
from preparing.summary import Summary
from preparing.table import write_table
from preparing.verdict import decide

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from preparing.entry import Entry
    from preparing.listed import Listed
    from preparing.request import Request


def run(request: Request) -> str:
    """Prepare the photos, and return what was done in a sentence.

    Raises ValueError, in one sentence, for photos that no data set can be made of, and when S3 refuses.
    """
    try:
        return _run(request)
    except (ClientError, BotoCoreError) as error:
        raise ValueError(f"S3 was asked in vain: {error}") from error


def _run(request: Request) -> str:
    if request.archive:
        deliver(request.archive, request.photos)
    photos, strays = list_photos(request.photos)
    print(f"{len(photos)} photos below {request.photos}", flush=True)
    entries = decide(_looked_at(photos), test_fraction=request.test_fraction)
    summary = Summary(entries, strays)
    for path, why in summary.dropped:
        print(f"dropped {path}: {why}", flush=True)
    write_arrays(request.output, entries)
    summary.write(request.output / "report.json")
    # Last: what Athena shows is never about a data set that was not made.
    print(f"table={write_table(request.table, entries)}", flush=True)
    return str(summary)


def _looked_at(photos: Sequence[Listed]) -> Iterator[Entry]:
    """Every photo's entry; a line of the log after each tenth of them."""
    done = 0
    for some in look_at(photos):
        yield from some
        before, done = done, done + len(some)
        if 10 * done // len(photos) > 10 * before // len(photos):
            print(f"photos={done}/{len(photos)}", flush=True)
