"""One trial of `./lab bench tune`: the lab's network, trained on few images, and how good it is; nothing is saved."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import keras
import numpy as np

from model import build, compile_model


def main() -> None:
    """Train with the flags that SageMaker passes on, and print what the tuning job looks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--learning_rate", type=float)
    parser.add_argument("--batch_size", type=int)
    parser.add_argument("--hidden_units", type=int)
    parser.add_argument("--model_dir", help="ignored: the container adds it")
    given = parser.parse_args()
    keras.utils.set_random_seed(0)
    folder = Path(os.environ["SM_CHANNEL_TRAINING"])
    train, test = (
        (np.load(folder / f"{part}-images.npy").astype("float32") / 255, np.load(folder / f"{part}-labels.npy"))
        for part in ("train", "test")
    )
    model = build((given.hidden_units,))
    compile_model(model, learning_rate=given.learning_rate)
    model.fit(*train, batch_size=given.batch_size, epochs=given.epochs, verbose=0)
    print(f"val_accuracy={model.evaluate(*test, batch_size=len(test[1]), verbose=0)[1]:.4f}", flush=True)


if __name__ == "__main__":
    main()
