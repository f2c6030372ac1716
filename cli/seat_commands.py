"""The commands of `./lab seats`."""

from __future__ import annotations

import typer

from cli import deploy_lock
from cli.commands import Commands
from cli.options import ContextOption, ForceOption, JsonOption, NamesArgument, TargetOption
from cli.place import Target
from cli.settings import absolute

seats = typer.Typer(cls=Commands, help="The class's seats: show, add, remove or rebuild them.", no_args_is_help=True)


@seats.command("list")
def seats_list(
    target: TargetOption = Target.EMBEDDED, context: ContextOption = None, *, as_json: JsonOption = False
) -> None:
    """Show every seat: its stack, its notebook, its student's address."""
    from cli.seats import show as command

    command(target, absolute(context), as_json=as_json)


@seats.command("add")
def seats_add(names: NamesArgument, target: TargetOption = Target.EMBEDDED, context: ContextOption = None) -> None:
    """Add seats to the settings (cdk.json or the roster), and deploy them."""
    from cli.seats import add as command

    with deploy_lock.hold():
        command(target, absolute(context), names)


@seats.command("remove")
def seats_remove(
    names: NamesArgument,
    target: TargetOption = Target.EMBEDDED,
    context: ContextOption = None,
    *,
    force: ForceOption = False,
) -> None:
    """Delete seats with all that their students made, and take them off the settings."""
    from cli.seats import remove as command

    with deploy_lock.hold():
        command(target, absolute(context), names, force=force)


@seats.command("rebuild")
def seats_rebuild(
    names: NamesArgument,
    target: TargetOption = Target.EMBEDDED,
    context: ContextOption = None,
    *,
    force: ForceOption = False,
) -> None:
    """Make seats anew, with the files of their students; what these made in SageMaker is gone."""
    from cli.seats import rebuild as command

    with deploy_lock.hold():
        command(target, absolute(context), names, force=force)
