"""The command `embedded-aws`: start, find, reset and stop the embedded AWS, and point a shell at it."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path  # noqa: TC003 - Typer reads it
from typing import Annotated, Any

import typer

from embedded_aws import gateway, image_commands, settings, shell
from embedded_aws.cli_options import (
    CacheOption,
    ContainersOption,
    EnforceOption,
    ImagesOption,
    JsonOption,
    NodeOption,
    PaceOption,
    PortOption,
    StateOption,
    WholeHelpGroup,
)
from embedded_aws.plain_errors import end, plain_errors

_HELP = """An AWS on this machine that really trains and really serves Amazon SageMaker, without Docker or an account.

\b
    embedded-aws start                  start it in the background
    eval "$(embedded-aws env)"          point the AWS CLI, boto3, the CDK and all other AWS tools at it
    aws s3 mb s3://mine                 … and use it
    eval "$(embedded-aws env --off)"    point the shell back
    embedded-aws stop                   end it; all that it held is gone
    embedded-aws images                 which container images there are, and what is installed of them
"""


app = typer.Typer(
    help=_HELP,
    cls=WholeHelpGroup,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # its boxes cut commands in two on a narrow screen
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(image_commands.app, name="images")


def main() -> None:
    """Run the command line; an error is one sentence and exit code 1."""
    undoing = shell.undo(os.environ)  # the one that this shell is pointed at may be gone, and its proxy with it
    with plain_errors():
        app(prog_name="embedded-aws", obj=undoing)


@app.command()
def start(
    *,
    port: PortOption = settings.PORT,
    state: StateOption = None,
    cache: CacheOption = None,
    images: ImagesOption = settings.IMAGES,
    pace: PaceOption = 1.0,
    node_modules: NodeOption = None,
    enforce_iam: EnforceOption = False,
    containers: ContainersOption = None,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Serve in this process until Ctrl-C or SIGTERM: for service managers.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Start it in the background, with all that it held before; one that runs already is left as it is."""
    home, kept = state or settings.default_home(), cache or settings.default_cache()
    environment = settings.tools(os.environ, node_modules)
    engine = containers.program if containers else None
    before = _kept(home, state)
    if foreground:
        from embedded_aws import server

        os.environ.update(environment)
        for name in os.environ.keys() - gateway.without_aws(environment).keys():
            del os.environ[name]
        wanted = gateway.begin_here(
            home, cache=kept, images=images, pace=pace, port=port, enforce=enforce_iam, containers=engine
        )
        print(f"The embedded AWS answers on {wanted.url} until Ctrl-C.", flush=True)
        server.run(wanted)
        gateway.clear(home)
        return
    found = gateway.running(home)
    others = engine not in (None, found.containers) if found else False
    if found and (others or found.enforcing != enforce_iam or port not in (0, found.port, settings.PORT)):
        end(
            f"The embedded AWS runs already on {found.url} (process {found.pid}), {_how(found)}: "
            f"`{_command('stop', state)}` ends it, or name another folder with --state."
        )
    started = gateway.start(
        home,
        cache=kept,
        environment=environment,
        images=images,
        pace=pace,
        port=port,
        only_port=True,
        enforce=enforce_iam,
        containers=engine,
        notice=_tell,
    )
    if before:
        print(gateway.what_came_back(started, before, _tell), file=sys.stderr)
    if as_json:
        _print_json(_described(started, home))
        return
    print(f"The embedded AWS {'runs already' if found else 'runs'} on {started.url} (process {started.pid}).", end=" ")
    print(f"Its containers are no sandboxes. {started.unsandboxed} Next:\n" if started.unsandboxed else "Next:\n")
    steps = (
        (f'eval "$({_command("env", state)})"', "point this shell at it"),
        ("aws sts get-caller-identity", "… and use it"),
        (_command("status", state), "see what runs in it"),
        (_command("stop", state), "end it; what it holds is kept for the next start"),
        (_command("reset", state), "empty it"),
    )
    width = max(len(command) for command, _ in steps)
    for command, what in steps:
        print(f"    {command:<{width}}    # {what}")


@app.command()
def status(state: StateOption = None, *, as_json: JsonOption = False) -> None:
    """Say whether it runs (exit code 0, else 1), where, since when, and what runs in its account."""
    home = state or settings.default_home()
    found = gateway.running(home)
    if found is None:
        if as_json:
            _print_json({"running": False, "state": str(home)})
            raise typer.Exit(1)
        before = _kept(home, state)
        died = f" It died; its log is {gateway.log(home)}." if gateway.died(home) else ""
        had = f" One had stopped at {before.when}, and comes back with all that it held." if before else ""
        end(f"No embedded AWS runs in {home}: `{_command('start', state)}` starts one.{had}{died}")
    answers = found.answers(within=5)
    holds = _holds(found) if answers else {}
    if as_json:
        _print_json({**_described(found, home), "answers": answers, "holds": holds})
        return
    since = datetime.fromtimestamp(found.created).astimezone().isoformat(sep=" ", timespec="seconds")
    print(f"The embedded AWS runs on {found.url} (process {found.pid}), {_how(found)}, since {since}.")
    print(f"account {gateway.ACCOUNT}, region {gateway.REGION}, log {gateway.log(home)}")
    if not answers:
        end("It does not answer just now: it is busy, or hangs.")
    if found.unsandboxed:
        print(f"Its containers are no sandboxes. {found.unsandboxed}")
    for what, names in holds.items():
        print(f"{what + ':':<32} {', '.join(names)}")
    if not holds:
        print("Nothing is in its account.")


@app.command()
def env(
    context: typer.Context,
    state: StateOption = None,
    *,
    off: Annotated[bool, typer.Option("--off", help="Print what undoes it instead.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the exports that point a shell at it: eval "$(embedded-aws env)"; with --off back."""
    if off:
        print("\n".join(context.obj))
        return
    found = _running(state)
    variables = found.environment()
    if as_json:
        _print_json(variables)
    else:
        print(*shell.exports(variables, os.environ), sep="\n")


@app.command()
def token(state: StateOption = None) -> None:
    """Print the token without which nobody may ask for `/_embedded_aws/` and `/_ministack/`: a header's value."""
    print(_running(state).read_admin_token())


@app.command()
def reset(state: StateOption = None, *, as_json: JsonOption = False) -> None:
    """Empty it: end it and start it anew on the same port with the same options, in a second or two.

    If it does not run, what it had kept is removed; what can't be read is put aside.
    """
    home = state or settings.default_home()
    if gateway.running(home) is None:
        aside = gateway.forget(home)
        if as_json:
            _print_json({"running": False, "aside": str(aside) if aside else None})
        else:
            where = f" What it had kept can't be read, and is in {aside} now." if aside else ""
            print(f"Nothing is kept in {home} any more: `{_command('start', state)}` begins anew.{where}")
        return
    started = gateway.restart(home)
    if as_json:
        _print_json(_described(started, home))
    else:
        print(f"The embedded AWS on {started.url} is empty (process {started.pid}).")


@app.command()
def stop(state: StateOption = None, *, as_json: JsonOption = False) -> None:
    """End it with all that it runs, also what one that died has left running; what it holds is kept."""
    home = state or settings.default_home()
    stopped = home.exists() and gateway.stop(home)
    if as_json:
        _print_json({"stopped": stopped})
    else:
        comes_back = f"`{_command('start', state)}` brings back what it held, `{_command('reset', state)}` removes it."
        print(f"The embedded AWS has ended: {comes_back}" if stopped else f"No embedded AWS runs in {home}.")


@app.callback(invoke_without_command=True)
def _version(
    *, version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False
) -> None:
    if version:
        print(metadata.version("embedded-aws"))
        raise typer.Exit


def _running(state: Path | None) -> gateway.Gateway:
    home = state or settings.default_home()
    found = gateway.running(home)
    if found is None:
        end(f"No embedded AWS runs in {home}: `{_command('start', state)}` starts one.")
    return found


def _kept(home: Path, state: Path | None) -> gateway.Kept | None:
    """Return what one that does not run has kept; end with a sentence if that can't be used."""
    try:
        return gateway.kept(home)
    except gateway.KeptError as error:
        end(f"{error} `{_command('reset', state)}` does that.")


def _command(name: str, state: Path | None) -> str:
    """Return a command as the user would type it for the same folder."""
    where = f" --state {shell.quoted(state)}" if state and not os.environ.get("EMBEDDED_AWS_STATE") else ""
    return f"embedded-aws {name}{where}"


def _how(found: gateway.Gateway) -> str:
    engine = f", with {found.containers} for images of your own" if found.containers else ""
    return f"{'enforcing IAM' if found.enforcing else 'not enforcing IAM'}{engine}"


def _described(found: gateway.Gateway, home: Path) -> dict[str, Any]:
    return {
        "running": True,
        "url": found.url,
        "pid": found.pid,
        "since": datetime.fromtimestamp(found.created, UTC).isoformat(timespec="seconds"),
        "enforceIam": found.enforcing,
        "containers": found.containers or None,
        "sandboxes": not found.unsandboxed,
        "account": gateway.ACCOUNT,
        "region": gateway.REGION,
        "state": str(home),
        "log": str(gateway.log(home)),
        "adminToken": found.admin_token,
    }


def _holds(found: gateway.Gateway) -> dict[str, list[str]]:
    """Return what is in its account, by what it is: stacks, buckets, and what runs of SageMaker."""
    from embedded_aws import holdings

    return holdings.of(found)


def _tell(text: str) -> None:
    print(f"{text} …", file=sys.stderr)


def _print_json(document: Any) -> None:
    print(json.dumps(document, indent=2))
