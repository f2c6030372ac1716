"""What goes wrong is one sentence on stderr and exit code 1."""

from __future__ import annotations

import errno
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from embedded_aws.database import StateError
from embedded_aws.note import GatewayError
from embedded_aws.runtime.images import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def plain_errors() -> Iterator[None]:
    """End the process in this way where the block raises what a user can do something about."""
    try:
        yield
    except (GatewayError, StateError, ImageError) as error:
        end(str(error))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            end(f"{error.strerror}: another program took the port first. Run the same command again, or name one.")
        end(
            f"{error.filename or 'The state folder'}: {error.strerror}. Name another folder with --state, or mend that."
        )


def end(sentence: str) -> NoReturn:
    """End the process with this sentence."""
    print(f"embedded-aws: {sentence}", file=sys.stderr)
    raise SystemExit(1)
