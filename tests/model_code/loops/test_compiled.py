"""A long training's epochs, which are compiled whole, against those of a short one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.model_code.loops.test_custom import assert_equal, learnt

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_compiled_epochs_learn_the_same(channel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long training's epochs are compiled whole: its weights are those of a short one's way within 1e-5."""
    from loops import custom, fit, xla

    short = [learnt(loop.fit, channel, 48) for loop in (fit, custom)]
    monkeypatch.setattr(custom, "worth_compiling", lambda *_, **__: True)
    long = [learnt(loop.fit, channel, 48) for loop in (xla, custom)]
    for one, other in zip(short, long, strict=True):
        assert_equal(one, other, history=1e-5, weights=1e-5)
