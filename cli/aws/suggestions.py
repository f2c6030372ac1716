"""What the lab's endpoint sees in photos: told after an answer, and what orders them, the least certain first.

A photo is a request of its own, for the endpoint prepares photos as its model was trained with; some are under way at
a time. How uncertain it was lies in the job's folder, batch by batch, with the name of the endpoint configuration that
has answered: nobody asks again but of another model.
"""

from __future__ import annotations

import json
import math
import threading
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from cli.aws import predictions
from cli.aws.collector import explain
from cli.aws.endpoint import Endpoint, FailedRequestError, NoAnswerError
from cli.ui.errors import LabError
from labelling import pictures
from labelling.errors import LabellingError
from labelling.task import UNCERTAINTY
from teardown import refusals
from teardown.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cli.aws.session import Session
    from infra.settings import Settings
    from labelling.store import JobStore
    from labelling.worklist import Worklist

_AT_ONCE = 4  # requests under way
_BATCH = 32  # photos, after which the order is made anew, and what is known is kept


class Asking:
    """The lab's endpoint, asked about a labelling job's photos."""

    def __init__(self, session: Session, lab: Settings) -> None:
        """Raise LabError, in a sentence, if there is no endpoint, or none that the caller may know of."""
        try:
            self._endpoint = Endpoint(session, lab)
            self._config = str(self._endpoint.described["EndpointConfigName"])
        except ClientError as error:
            raise LabError(
                f"--suggest and --uncertain-first ask the lab's endpoint, and that can't be: {explain(error)} Leave "
                "them out to label without it."
            ) from None

    def predict(self, photo: bytes) -> Mapping[str, Any]:
        """Return what it sees. Raises ValueError for what is no picture, or has no answer, and ClientError."""
        kind = pictures.media_type(photo)
        if not kind:
            raise ValueError("It is no picture.")
        try:
            [found] = predictions.read(self._endpoint.ask(photo, kind, notice=lambda _: None))
        except (NoAnswerError, FailedRequestError) as error:
            raise ValueError(str(error)) from error
        return found

    def suggest(self, photo: bytes) -> Mapping[str, Any]:
        """Return what it sees, or the `problem` of a caller who may not ask. Raises as `predict` does."""
        try:
            return self.predict(photo)
        except ClientError as error:
            if refusals.classify(error) is not Refusal.DENIED:
                raise
            return {"problem": explain(error)}

    def rank(self, store: JobStore, worklist: Worklist, ended: threading.Event) -> str:
        """Let those come first that it is least sure of, as more is known; return why it was given up, "" if not."""
        try:
            known = _known(store.read(UNCERTAINTY), self._config)
            worklist.rank(known)
            left = [photo for photo in worklist.next(len(store.lines)) if photo not in known]
            for start in range(0, len(left), _BATCH):
                if ended.is_set():
                    break
                new = self._ask(store, left[start : start + _BATCH], ended)
                known |= new
                worklist.rank(known)
                if new:
                    self._keep(store, new)
        except (ClientError, BotoCoreError) as error:
            return explain(error)
        except (LabError, LabellingError) as error:
            return str(error)
        return ""

    def _ask(self, store: JobStore, photos: Sequence[int], ended: threading.Event) -> dict[int, float]:
        """Ask about photos, by threads that an answer on its way does not keep from ending. Raises ClientError."""
        found: dict[int, float] = {}
        denied: list[ClientError] = []

        def ask(own: Sequence[int]) -> None:
            for photo in own:
                if denied or ended.is_set():
                    return
                try:
                    bits = self._uncertainty(store, photo)
                except ClientError as error:
                    denied.append(error)
                else:
                    found.update({} if bits is None else {photo: bits})

        shares = [photos[number::_AT_ONCE] for number in range(_AT_ONCE)]
        threads = [threading.Thread(target=ask, args=(own,), daemon=True) for own in shares]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        if denied:
            raise denied[0]
        return found

    def _uncertainty(self, store: JobStore, photo: int) -> float | None:
        """Return how unsure it is, in bits; None without an answer. Raises ClientError if it may not be asked."""
        try:
            return entropy(self.predict(store.photo(photo))["probabilities"])
        except ClientError as error:
            if refusals.classify(error) is Refusal.DENIED:
                raise
        except (BotoCoreError, ValueError, KeyError):
            pass
        return None

    def _keep(self, store: JobStore, new: Mapping[int, float]) -> None:
        def added(there: bytes | None) -> bytes:
            bits = {**_known(there, self._config), **new}
            return json.dumps({"EndpointConfigName": self._config, "Bits": bits}).encode()

        store.change(UNCERTAINTY, added)


def entropy(probabilities: Mapping[str, float]) -> float:
    """Return how unsure a network is, in bits: 0 if it gives one class all."""
    return -sum(share * math.log2(share) for share in probabilities.values() if share > 0)


def _known(content: bytes | None, config: str) -> dict[int, float]:
    """Return the uncertainty of photos, of those that this endpoint configuration's model was asked about."""
    try:
        document = json.loads(content or b"{}")
        if document["EndpointConfigName"] != config:
            return {}
        return {int(photo): float(bits) for photo, bits in document["Bits"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}  # it is none of ours: they are asked about again
