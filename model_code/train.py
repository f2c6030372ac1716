"""Train the lab's network: the script that SageMaker's TensorFlow container runs.

    python train.py --epochs 10 --training ./data --artifact_dir ./artifact --output_data_dir ./pictures

On SageMaker the three folders come from SM_CHANNEL_TRAINING, SM_MODEL_DIR and SM_OUTPUT_DATA_DIR, and every
hyperparameter comes as a flag. A user's mistake ends the script with code 1 and one sentence on stderr.
SIGTERM ends it at once, with the last epoch's checkpoint in --checkpoint_dir; the same command goes on from there.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from checkpoints import Checkpoints, History, print_line
from command_line import check_together, parse_flags
from data import read_channel
from labelled import read_if_piped
from loops import distributed
from optional_imports import skipping

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from command_line import Folders
    from data import Channel
    from event_log import EventLog
    from hyperparameters import Hyperparameters
    from loops.distributed import Hosts

_TENSORFLOW_ENVIRONMENT = {
    # oneDNN picks another order of additions on another kind of processor.
    "TF_ENABLE_ONEDNN_OPTS": "0",
    # A job's log is read by people: TensorFlow's warnings and errors only.
    "TF_CPP_MIN_LOG_LEVEL": "1",
}


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run one training job and return the process's exit code."""
    try:
        folders, hyperparameters = parse_flags(arguments, environment, description=__doc__)
        hosts = distributed.read_hosts(environment)
        check_together(hyperparameters, hosts)
        folders = read_if_piped(folders, environment)
        channel = read_channel(folders.training)
    except ValueError as error:
        # SageMaker's training toolkit copies stderr into FailureReason from the first line on that names one
        # of Python's own exceptions (sagemaker_training 5.1.4, process.watch): no name, no reason.
        print(f"ValueError: {error}", file=sys.stderr)
        return 1
    # Read once, when TensorFlow and Keras are imported.
    os.environ.update(
        {
            **_TENSORFLOW_ENVIRONMENT,
            **_compiled_programs(environment),
            **hosts.environment(),
            "KERAS_BACKEND": hyperparameters.backend,
        }
    )
    train(channel, folders=folders, hyperparameters=hyperparameters, hosts=hosts)
    return 0


def train(channel: Channel, *, folders: Folders, hyperparameters: Hyperparameters, hosts: Hosts) -> None:
    """Build, compile, fit, evaluate and export the network: the five steps of every program with Keras.

    It learns from `channel.train`, is judged by `channel.test`, and fills the folders `artifact` and `pictures`.

    Prints one line an epoch and one at the end, which the training job's MetricDefinitions read. Of several hosts only
    the chief prints and writes.
    """
    # These import TensorFlow, which takes seconds that a user's mistake need not wait for.
    with skipping("matplotlib.pyplot", "pandas", "sklearn"):
        import loops
        from evaluation import evaluate
        from export import write_artifact
        from model import BACKEND, build, compile_model, make_deterministic
        from pictures import write_pictures
        from provenance import identity_of, make_inputs, make_provenance

    strategy = distributed.choose_strategy(hosts) if BACKEND == "tensorflow" else None
    replicas = strategy.num_replicas_in_sync if strategy else 1
    make_deterministic(hyperparameters.seed)

    # Build and compile. On several hosts or GPUs each has its copy of the network.
    with distributed.scope(strategy):
        model = build(hyperparameters.hidden_units)
        compile_model(model, learning_rate=hyperparameters.learning_rate)

    # Fit, by the loop that is fastest here: in the place of model.fit(channel.train.images, channel.train.labels).
    fit = loops.choose(hyperparameters, images=len(channel.train.labels), replicas=replicas)
    if not hosts.chief:
        done = distributed.resume(model, None, strategy=strategy, hosts=hosts)
        fit(model, channel, hyperparameters, History(epochs=done))
        return
    inputs = make_inputs(folders=folders, hyperparameters=hyperparameters)
    # An earlier job may have been interrupted; this one goes on from its last epoch.
    checkpoints = Checkpoints(folders.checkpoints, identity=identity_of(inputs)) if folders.checkpoints else None
    latest = checkpoints.latest(epochs=hyperparameters.epochs) if checkpoints else None
    event_log = _open_event_log(folders, hyperparameters)
    history = History(
        epochs=distributed.resume(model, latest, strategy=strategy, hosts=hosts),
        on_epoch_end=[
            # Kept first: whoever has seen an epoch's line knows that it need not be done again.
            *([partial(checkpoints.save, model)] if checkpoints else []),
            *([event_log.note] if event_log else []),
            partial(print_line, of=hyperparameters.epochs),
        ],
    )
    if strategy:
        print(f"{replicas} replicas on {hosts.count} hosts train together, by loops/custom.py.", flush=True)
    fit(model, channel, hyperparameters, history)

    # Evaluate, in this process alone: under a strategy the network would need all hosts for it.
    if strategy:
        weights = model.get_weights()
        model = build(hyperparameters.hidden_units)
        compile_model(model, learning_rate=hyperparameters.learning_rate)
        model.set_weights(weights)
    metrics, probabilities = evaluate(model, channel.test, history.epochs)
    print(f"test_loss={metrics.test_loss:.4f} test_accuracy={metrics.test_accuracy:.4f}", flush=True)

    # Export what an endpoint serves, and draw what people look at.
    provenance = make_provenance(inputs, model=model, metrics=metrics)
    write_artifact(
        model, folders=folders, metrics=metrics, provenance=provenance, channel=channel, probabilities=probabilities
    )
    write_pictures(folders.pictures, metrics=metrics, test=channel.test, probabilities=probabilities)
    if event_log:
        event_log.finish(len(history.epochs), confusion=folders.pictures / "confusion.png")
    if BACKEND != "tensorflow":
        print(f"Trained with {provenance['trained_with']}, exported as {provenance['format']}.", flush=True)


def _open_event_log(folders: Folders, hyperparameters: Hyperparameters) -> EventLog | None:
    """Return TensorBoard's log, where it is asked for and TensorBoard is installed."""
    if folders.event_log is None or find_spec("tensorboard") is None:
        return None
    from event_log import EventLog

    return EventLog(folders.event_log, hyperparameters=hyperparameters)


def _compiled_programs(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what lets XLA keep what it compiles where the next job of a SageMaker warm pool finds it."""
    cache = environment.get("SAGEMAKER_MANAGED_WARMPOOL_CACHE_DIRECTORY")
    if not cache:
        return {}
    flags = ("directory", f"{cache}/xla"), ("device_types", "CPU")
    return {
        "TF_XLA_FLAGS": " ".join(f"--tf_xla_persistent_cache_{name}={value}" for name, value in flags),
        # XLA logs as errors which of the processor's features a program that it finds was made for.
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
