"""The options of the command line, each with its help."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.place import Target

TargetOption = Annotated[
    Target, typer.Option("--target", envvar="BRICKLAB_TARGET", help="Where: the embedded AWS, or AWS itself.")
]
ContextOption = Annotated[
    list[str] | None,
    typer.Option("-c", "--context", metavar="lab.KEY=VALUE", help="Override a setting of cdk.json; repeatable."),
]
NamesArgument = Annotated[list[str], typer.Argument(metavar="NAME…", help="Seats, as their students write them.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Even if a student is at work: what is not saved is lost.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

StrategyOption = Annotated[str, typer.Option(help="Bayesian, Random, Grid or Hyperband.")]
TrialsOption = Annotated[int | None, typer.Option(help="Training jobs, 8 unless given; Grid tries all combinations.")]
ParallelOption = Annotated[int, typer.Option(help="How many of them at a time.")]
LearningRateOption = Annotated[
    list[str] | None, typer.Option(metavar="MIN:MAX", help="A range, or values: repeat it. 0.0001:0.01 unless given.")
]
BatchSizeOption = Annotated[
    list[str] | None, typer.Option(metavar="MIN:MAX", help="A range, or values: repeat it. 16, 32, 64 unless given.")
]
HiddenUnitsOption = Annotated[
    list[str] | None, typer.Option(metavar="UNITS", help="Values (256,128 is one), or a range. 64 to 256,128.")
]
EarlyStoppingOption = Annotated[bool, typer.Option("--early-stopping", help="Stop trials that fall behind the median.")]
SeedOption = Annotated[int | None, typer.Option(help="Makes the choice of hyperparameters reproducible.")]
ApplyOption = Annotated[bool, typer.Option("--apply", help="Write the best into cdk.json, for `up` to train with.")]
