"""`python -m datasets --out DIR [--seed N] [--sheet FILE]`: write the default data set, and a sheet to look at."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from datasets.dataset import COUNTS, write
from datasets.labels import LABELS
from datasets.sheet import sheet


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 up")
    return int(text)


def main() -> None:
    """Read the arguments, write the files, say what was written."""
    parser = argparse.ArgumentParser(prog="python -m datasets", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the four .npy files")
    parser.add_argument("--seed", type=_seed, default=0, metavar="N", help="another seed, other images (default 0)")
    parser.add_argument("--sheet", type=Path, metavar="FILE", help="also save a contact sheet, as .png")
    chosen = parser.parse_args()
    try:
        write(chosen.out, seed=chosen.seed)
    except OSError as problem:
        parser.error(f"--out {chosen.out}: cannot write there ({problem.strerror}); name a folder you may write to")
    counts = " and ".join(f"{count} {split} images" for split, count in COUNTS.items())
    print(f"Wrote {counts} of {len(LABELS)} bricks (seed {chosen.seed}) to {chosen.out}")
    if chosen.sheet:
        images, labels = (np.load(chosen.out / f"lego-simple-train-{part}.npy") for part in ("images", "labels"))
        try:
            sheet(images, labels).save(chosen.sheet)
        except (OSError, ValueError) as problem:
            parser.error(f"--sheet {chosen.sheet}: cannot save there ({problem}); name a .png file you may write")
        print(f"Wrote a contact sheet to {chosen.sheet}")


if __name__ == "__main__":
    main()
