"""The options of the command line, each with its help, and help that keeps what Click's own would cut."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from cli.aws.session import Target
from cli.aws.ways import Way
from cli.ui.errors import LabError
from embedded_aws import gateway
from model_code import hyperparameters as hp

_WHOLE = 1000  # characters of a command's sentence, which Click cuts to what a line holds

TargetOption = Annotated[
    Target, typer.Option("--target", envvar="BRICKLAB_TARGET", help="Where: the embedded AWS, or AWS itself.")
]
ContextOption = Annotated[
    list[str] | None,
    typer.Option("-c", "--context", metavar="lab.KEY=VALUE", help="Override a setting of cdk.json; repeatable."),
]
ContainersOption = Annotated[
    gateway.Containers | None,
    typer.Option(
        "--containers",
        envvar="BRICKLAB_CONTAINERS",
        show_default="as before, `none` at first",
        help="Let this container engine of yours run images of your own in the embedded AWS.",
    ),
]
NamesArgument = Annotated[list[str], typer.Argument(metavar="NAME…", help="Seats, as their students write them.")]
ImagesArgument = Annotated[
    list[str], typer.Argument(metavar="NAME…", help="Names as `images` lists them, URIs, or REPOSITORY:TAG.")
]
VersionArgument = Annotated[
    str,
    typer.Argument(metavar="VERSION", help="Its number, as `models` lists it, its ARN, or the `model` of an answer."),
]
JobArgument = Annotated[
    str | None, typer.Argument(metavar="[JOB]", help="A labelling job; none if there is only one, or it is to begin.")
]
# Who labels with a seat's rights has them from `./lab env SEAT` or the notebook instance, and asks for no stack.
SeatOption = Annotated[
    str | None,
    typer.Option("--seat", envvar="BRICKLAB_SEAT", help="The seat that labels, with its student's rights."),
]
BucketOption = Annotated[
    str | None,
    typer.Option("--bucket", envvar="BRICKLAB_BUCKET", help="The lab's bucket; as its stack says unless given."),
]
BecauseOption = Annotated[str, typer.Option(metavar="TEXT", help="Why: it is kept with the version.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Even if a student is at work: what is not saved is lost.")]
ViaOption = Annotated[Way, typer.Option("--via", help="Which of the ways in which the lab's model answers is asked.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

StrategyOption = Annotated[str, typer.Option(help="Bayesian, Random, Grid or Hyperband.")]
TrialsOption = Annotated[int | None, typer.Option(help="Training jobs, 8 unless given; Grid tries all combinations.")]
ParallelOption = Annotated[int, typer.Option(help="How many of them at a time.")]
LearningRateOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="MIN:MAX",
        help=f"A range, or values: repeat it. {', '.join(hp.LEARNING_RATE.search.values)} unless given.",
    ),
]
BatchSizeOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="MIN:MAX", help=f"A range, or values: repeat it. {', '.join(hp.BATCH_SIZE.search.values)} unless given."
    ),
]
HiddenUnitsOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="UNITS",
        help=f"Values (256,128 is one), or a range. {' '.join(hp.HIDDEN_UNITS.search.values)} unless given.",
    ),
]
EarlyStoppingOption = Annotated[bool, typer.Option("--early-stopping", help="Stop trials that fall behind the median.")]
SeedOption = Annotated[int | None, typer.Option(help="Makes the choice of hyperparameters reproducible.")]
ApplyOption = Annotated[bool, typer.Option("--apply", help="Write the best into cdk.json, for `up` to train with.")]


class WholeHelpGroup(TyperGroup):
    """A group whose help has every command's whole sentence."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands, each with what it does."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, command.get_short_help_str(_WHOLE)) for name, command in found if command]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class ExtendCommand(TyperCommand):
    """A command whose argument is a term: -2h is a mistake about terms, and no option that there is not."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words. Raises LabError for a term below nothing."""
        for word in args:
            if re.match(r"-\d", word):
                raise LabError(
                    f"{word!r}: a lease is prolonged, never shortened: `./lab extend {word[1:]}` adds to it, "
                    "`./lab down` ends the lab now."
                )
        return super().parse_args(ctx, args)
