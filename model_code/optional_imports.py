"""Import TensorFlow and Keras without the packages that they would bring along for somebody else's use."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def skipping(*packages: str) -> Iterator[None]:
    """Let what the block imports find these packages only if they are imported already; afterwards they are as ever.

    Keras imports scikit-learn, matplotlib.pyplot and pandas wherever they are installed, for its wrappers, galleries
    and data frames: a third of its and TensorFlow's time. TensorFlow imports Keras (`keras.src` is what that consists
    of): half of its own. Whoever needs one of them with Keras imports it first.

    Garbage is not looked for meanwhile: of what is imported nothing is, and to look takes a fifth of the time.
    """
    skipped = [each for each in packages if each not in sys.modules]
    modules: dict[str, Any] = sys.modules  # to the import system None is a module that can't be found
    modules.update(dict.fromkeys(skipped))
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        for each in skipped:
            if modules.get(each, True) is None:
                del modules[each]
