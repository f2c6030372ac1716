"""MetricDefinitions, by which SageMaker finds what an algorithm of its own writes into its log.

Source: DescribeHyperParameterTuningJob of a job with linear-learner:1 that had none of its own, as a user published it
in March 2020.
"""

from __future__ import annotations


def final(name: str, kind: str, *, pattern: str = "") -> dict[str, str]:
    """Return the definition of a metric such as `test:msd`; `pattern` is how it is written, if not by its name."""
    data, _, what = name.partition(":")
    return {"Name": name, "Regex": rf"#quality_metric: host=\S+, {data} {pattern or what} <{kind}>=(\S+)"}


def each_epoch(name: str, kind: str, *, pattern: str = "") -> dict[str, str]:
    """Return the definition of a metric that is written after each epoch."""
    data, _, what = name.partition(":")
    return {"Name": name, "Regex": rf"#quality_metric: host=\S+, epoch=\S+, {data} {pattern or what} <{kind}>=(\S+)"}


def common() -> tuple[dict[str, str], ...]:
    """Return the definitions that all algorithms have."""
    return (
        {"Name": "train:progress", "Regex": r"#progress_metric: host=\S+, completed (\S+) %"},
        {"Name": "train:throughput", "Regex": r"#throughput_metric: host=\S+, train throughput=(\S+) records/second"},
    )
