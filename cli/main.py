"""The command line: which commands there are, and how each of them ends."""

from __future__ import annotations

import signal
import sys
from typing import Annotated, NoReturn

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape

from cli import screen
from cli.errors import LabError
from cli.place import Target

app = typer.Typer(
    help="A machine-learning lab on Amazon SageMaker: on the embedded AWS (default) or on AWS.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

TargetOption = Annotated[
    Target, typer.Option("--target", envvar="BRICKLAB_TARGET", help="Where: the embedded AWS, or AWS itself.")
]
ContextOption = Annotated[
    list[str] | None,
    typer.Option("-c", "--context", metavar="lab.KEY=VALUE", help="Override a setting of cdk.json; repeatable."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.command()
def up(target: TargetOption = Target.EMBEDDED, context: ContextOption = None) -> None:
    """Deploy the lab with the CDK, train, serve; run again to change it."""
    from cli.up import up as command

    command(target, context or [])


@app.command()
def predict(
    files: Annotated[list[str], typer.Argument(metavar="FILE…", help="Photos (png, jpeg) or arrays (npy).")],
    target: TargetOption = Target.EMBEDDED,
    context: ContextOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Ask the lab's endpoint which brick is in each file."""
    from cli.predict import predict as command

    command(target, context or [], files, as_json=as_json)


@app.command()
def status(
    target: TargetOption = Target.EMBEDDED, context: ContextOption = None, *, as_json: JsonOption = False
) -> None:
    """Show the lab's stacks, training job, endpoint, seats, and what runs."""
    from cli.status import status as command

    command(target, context or [], as_json=as_json)


@app.command()
def env() -> None:
    """Print the exports that point any AWS tool at the embedded AWS: eval "$(./lab env)"."""
    from cli.env import env as command

    command()


@app.command()
def down(
    target: TargetOption = Target.EMBEDDED,
    context: ContextOption = None,
    *,
    keep_aws: Annotated[bool, typer.Option("--keep-aws", help="Leave the embedded AWS running.")] = False,
) -> None:
    """Destroy the lab and stop everything it started."""
    from cli.down import down as command

    command(target, context or [], keep_aws=keep_aws)


@app.command()
def check() -> None:
    """Check the code (ruff, mypy) and every template (cfn-lint, cdk-nag)."""
    from cli.check import check as command

    command()


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(arguments: typer.Context) -> None:
    """Run every test; arguments go to pytest."""
    from cli.test import test as command

    command(arguments.args)


class Interrupted(BaseException):
    """Ctrl-C. Typer would answer KeyboardInterrupt with the one word "Aborted"."""


def run() -> None:
    """Run the command line. A user's mistake is one sentence and exit code 1; Ctrl-C is 130."""
    signal.signal(signal.SIGINT, _interrupt)
    try:
        app(prog_name="./lab")
    except LabError as error:
        _end(str(error))
    except (ClientError, BotoCoreError) as error:
        _end(f"AWS refused a call: {error} Run `./lab status` to see how the lab stands.")
    except Interrupted:
        screen.errors.print("\nInterrupted. `./lab up` goes on from here, `./lab down` takes it down.")
        sys.exit(130)


def _interrupt(*_: object) -> NoReturn:
    raise Interrupted


def _end(message: str) -> NoReturn:
    screen.errors.print(f"[red]✗[/] {escape(message)}", soft_wrap=True)
    sys.exit(1)
