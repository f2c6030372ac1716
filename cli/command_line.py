"""The command line: every command with its arguments; what it does is imported when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.aws.cdk import deploy_lock
from cli.aws.session import Target
from cli.aws.ways import Way
from cli.options import (
    ApplyOption,
    BatchSizeOption,
    BecauseOption,
    BucketOption,
    ContainersOption,
    ContextOption,
    EarlyStoppingOption,
    ExtendCommand,
    ForceOption,
    HiddenUnitsOption,
    ImagesArgument,
    JobArgument,
    JsonOption,
    LearningRateOption,
    NamesArgument,
    ParallelOption,
    SeatOption,
    SeedOption,
    StrategyOption,
    TargetOption,
    TrialsOption,
    VersionArgument,
    ViaOption,
    WholeHelpGroup,
)
from cli.settings import absolute

app = typer.Typer(
    cls=WholeHelpGroup,
    help="A machine-learning lab on Amazon SageMaker: on the embedded AWS (default) or on AWS.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # its boxes cut options and variables in two on a narrow screen
    context_settings={"help_option_names": ["-h", "--help"]},
)

seats = typer.Typer(
    cls=WholeHelpGroup, help="The class's seats: show, add, remove or rebuild them.", no_args_is_help=True
)
app.add_typer(seats, name="seats")

models = typer.Typer(
    cls=WholeHelpGroup,
    help="The versions of the lab's model: list, show, approve or reject them, and have one serve.",
)
app.add_typer(models, name="models")

images = typer.Typer(
    cls=WholeHelpGroup,
    help="The container images of the embedded AWS: list, pull or remove them. Each is installed at its first use.",
)
app.add_typer(images, name="images")


@app.command()
def preflight(
    target: TargetOption = Target.EMBEDDED, context: ContextOption = None, *, as_json: JsonOption = False
) -> None:
    """Look whether all is there that a deployment needs, and what it will cost; `up` does it too."""
    from cli.commands.preflight import preflight as command

    if not command(target, absolute(context), as_json=as_json):
        raise typer.Exit(1)


@app.command()
def up(
    target: TargetOption = Target.EMBEDDED,
    context: ContextOption = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Go on past what preflight lets you override.")] = False,
    enforce_iam: Annotated[
        bool,
        typer.Option(
            "--enforce-iam",
            envvar="BRICKLAB_ENFORCE_IAM",
            help="Have the embedded AWS ask policies before every call, as AWS does.",
        ),
    ] = False,
    containers: ContainersOption = None,
) -> None:
    """Deploy the lab with the CDK, train, serve; run again to change it."""
    from cli.commands.up import up as command

    engine = containers.program if containers else None
    command(target, absolute(context), force=force, enforce=enforce_iam, containers=engine)


@app.command()
def predict(
    files: Annotated[list[str], typer.Argument(metavar="FILE…", help="Photos (png, jpeg) or arrays (npy).")],
    target: TargetOption = Target.EMBEDDED,
    context: ContextOption = None,
    *,
    via: ViaOption = Way.ENDPOINT,
    as_json: JsonOption = False,
) -> None:
    """Ask the lab which brick is in each file: its endpoint, or what else `lab.serve_also` has it serve by."""
    from cli.commands.predict import predict as command

    command(target, absolute(context), files, via=via, as_json=as_json)


@app.command()
def web(
    target: TargetOption = Target.EMBEDDED,
    context: ContextOption = None,
    *,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open it, or print its URL only.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Open the lab's web page; the embedded AWS's is served on this machine until Ctrl-C."""
    from cli.commands.web import web as command

    command(target, absolute(context), browser=browser, as_json=as_json)


@app.command()
def label(
    job: JobArgument = None,
    target: TargetOption = Target.EMBEDDED,
    context: ContextOption = None,
    *,
    prefix: Annotated[str | None, typer.Option(metavar="PREFIX", help="Photos below it in the lab's bucket.")] = None,
    manifest: Annotated[str | None, typer.Option(metavar="KEY", help="Or those of an input manifest there.")] = None,
    people: Annotated[int | None, typer.Option(help="How many people each photo goes to, 1 unless given.")] = None,
    worker: Annotated[str | None, typer.Option("--as", metavar="NAME", help="Who labels; you unless given.")] = None,
    seat: SeatOption = None,
    bucket: BucketOption = None,
    suggest: Annotated[bool, typer.Option("--suggest", help="Show after an answer what the endpoint sees.")] = False,
    uncertain_first: Annotated[
        bool, typer.Option("--uncertain-first", help="Begin with the photos that the endpoint is least sure of.")
    ] = False,
    review: Annotated[bool, typer.Option("--review", help="Decide where people disagree.")] = False,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open it, or print its link only.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Open a page on which you say which brick each photo shows, key by key; until Ctrl-C."""
    from cli.commands.label import LabelOptions
    from cli.commands.label import label as command

    options = LabelOptions(
        job=job,
        prefix=prefix,
        manifest=manifest,
        people=people,
        worker=worker,
        seat=seat,
        bucket=bucket,
        suggest=suggest,
        uncertain_first=uncertain_first,
        review=review,
    )
    command(target, absolute(context), options, browser=browser, as_json=as_json)


@app.command()
def labels(
    job: JobArgument = None,
    target: TargetOption = Target.EMBEDDED,
    context: ContextOption = None,
    *,
    bucket: BucketOption = None,
    photos: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Copy labelled photos there too, a folder a brick, for lab.photos."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show how far the people of a labelling job agree, and write its manifest, which jobs read."""
    from cli.commands.label import LabelOptions
    from cli.commands.label import labels as command

    command(target, absolute(context), LabelOptions(job=job, bucket=bucket), photos=photos, as_json=as_json)


@app.command()
def drift(
    target: TargetOption = Target.EMBEDDED,
    context: ContextOption = None,
    *,
    picture: Annotated[Path, typer.Option(metavar="FILE", help="Where the picture goes.")] = Path("drift.png"),
    as_json: JsonOption = False,
) -> None:
    """Show whether what the endpoint is asked is still like what its model was tested with."""
    from cli.commands.drift import drift as command

    command(target, absolute(context), picture=picture, as_json=as_json)


@app.command()
def edge(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder with the photos.")],
    target: TargetOption = Target.EMBEDDED,
    context: ContextOption = None,
    *,
    results: Annotated[Path | None, typer.Option(help="Folder for results.jsonl; kept among the lab's own.")] = None,
    deliver: Annotated[bool, typer.Option("--deliver", help="Bring the results to the lab's bucket.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on with photos that come, until Ctrl-C.")] = False,
) -> None:
    """Answer for a folder of photos with the lab's Greengrass component, on this machine, with or without AWS."""
    from cli.commands.edge import edge as command

    raise typer.Exit(command(target, absolute(context), folder, results=results, deliver=deliver, watch=watch))


@app.command()
def tune(
    target: TargetOption = Target.EMBEDDED,
    context: ContextOption = None,
    *,
    strategy: StrategyOption = "Bayesian",
    trials: TrialsOption = None,
    parallel: ParallelOption = 2,
    learning_rate: LearningRateOption = None,
    batch_size: BatchSizeOption = None,
    hidden_units: HiddenUnitsOption = None,
    early_stopping: EarlyStoppingOption = False,
    seed: SeedOption = None,
    apply: ApplyOption = False,
    as_json: JsonOption = False,
) -> None:
    """Find better hyperparameters for the lab's network, by a tuning job over its training job."""
    from cli.aws.tuning import TuningOptions
    from cli.commands.tune import tune as command

    options = TuningOptions(
        strategy=strategy,
        trials=trials,
        parallel=parallel,
        ranges={"learning_rate": learning_rate, "batch_size": batch_size, "hidden_units": hidden_units},
        early_stopping=early_stopping,
        seed=seed,
    )
    command(target, absolute(context), options, apply=apply, as_json=as_json)


@app.command()
def status(
    target: TargetOption = Target.EMBEDDED, context: ContextOption = None, *, as_json: JsonOption = False
) -> None:
    """Show the lab's stacks, training job, endpoint, seats, and what runs."""
    from cli.commands.status import status as command

    command(target, absolute(context), as_json=as_json)


@app.command()
def watch(target: TargetOption = Target.EMBEDDED, context: ContextOption = None) -> None:
    """Show the lab on one screen as it lives: seats and who is stuck, jobs, endpoints, cost; until Ctrl-C."""
    from cli.commands.watch import watch as command

    command(target, absolute(context))


@app.command()
def console(
    target: TargetOption = Target.EMBEDDED,
    context: ContextOption = None,
    *,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open it, or print its link only.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Open a page that shows the lab as it lives, with buttons for what `./lab` does; until Ctrl-C."""
    from cli.commands.console import console as command

    command(target, absolute(context), browser=browser, as_json=as_json)


@app.command()
def stop(
    job: Annotated[str, typer.Argument(metavar="JOB", help="A training, processing, transform or tuning job.")],
    target: TargetOption = Target.EMBEDDED,
    context: ContextOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Stop a job of the lab or of a seat; what it has written to S3 until then stays."""
    from cli.commands.stop import stop as command

    command(target, absolute(context), job, as_json=as_json)


@app.command()
def cost(target: TargetOption = Target.EMBEDDED, context: ContextOption = None, *, as_json: JsonOption = False) -> None:
    """Show what the lab costs an hour, so far, and until its lease ends."""
    from cli.commands.cost import cost as command

    command(target, absolute(context), as_json=as_json)


@app.command()
def env(
    seat: Annotated[str | None, typer.Argument(metavar="[SEAT]", help="A seat, whose notebook is to run here.")] = None,
    target: TargetOption = Target.EMBEDDED,
    context: ContextOption = None,
    *,
    shell: typer.Context,
    off: Annotated[bool, typer.Option("--off", help="Print what makes the shell as it was before.")] = False,
) -> None:
    """Print the exports that point any AWS tool, and a seat's notebook, at the lab: eval "$(./lab env)"."""
    from cli.commands.env import env as command

    if off:
        print(*shell.obj, sep="\n")
    else:
        command(target, absolute(context), seat)


@app.command()
def notebook(
    seat: Annotated[str | None, typer.Argument(metavar="[SEAT]", help="Whose; none if there is only one.")] = None,
    target: TargetOption = Target.EMBEDDED,
    context: ContextOption = None,
    *,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open it, or print its URL only.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Open a seat's JupyterLab; starts its notebook instance if that is stopped."""
    from cli.commands.notebook import notebook as command

    command(target, absolute(context), seat, browser=browser, as_json=as_json)


@app.command()
def tensorboard(
    jobs: Annotated[list[str] | None, typer.Argument(metavar="[JOB…]", help="Which; all of the lab's if none.")] = None,
    target: TargetOption = Target.EMBEDDED,
    context: ContextOption = None,
    *,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open it, or print its URL only.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Show the training jobs' curves in TensorBoard as they grow, until Ctrl-C."""
    from cli.commands.tensorboard import tensorboard as command

    command(target, absolute(context), jobs or [], browser=browser, as_json=as_json)


@app.command()
def interrupt(
    job: Annotated[str | None, typer.Argument(metavar="[JOB]", help="Which; none if only one is on spot.")] = None,
    target: TargetOption = Target.EMBEDDED,
    context: ContextOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Take a training job's spot instances away, to see that it goes on from its checkpoint (embedded AWS only)."""
    from cli.commands.interrupt import interrupt as command

    command(target, absolute(context), job, as_json=as_json)


@app.command()
def pause(
    target: TargetOption = Target.EMBEDDED, context: ContextOption = None, *, as_json: JsonOption = False
) -> None:
    """Delete the lab's endpoints, stop its notebooks and end its warm pools: none of them costs until it is resumed."""
    from cli.commands.pause import pause as command

    command(target, absolute(context), as_json=as_json)


@app.command()
def resume(
    target: TargetOption = Target.EMBEDDED, context: ContextOption = None, *, as_json: JsonOption = False
) -> None:
    """Bring back what pause ended, without training."""
    from cli.commands.pause import resume as command

    command(target, absolute(context), as_json=as_json)


@app.command(cls=ExtendCommand)
def extend(
    by: Annotated[str, typer.Argument(metavar="TERM", help="How much longer (2h, 90m, 1d), or until when (ISO 8601).")],
    target: TargetOption = Target.EMBEDDED,
    context: ContextOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Prolong the lab's lease: when it is over, the lab ends by itself."""
    from cli.commands.extend import extend as command

    command(target, absolute(context), by, as_json=as_json)


@app.command()
def down(
    target: TargetOption = Target.EMBEDDED,
    context: ContextOption = None,
    *,
    keep_aws: Annotated[bool, typer.Option("--keep-aws", help="Leave the embedded AWS running.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Even if the lab is somebody else's.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Destroy the lab, sweep what no stack knows, and end with a receipt; exit code 1 if anything is left."""
    from cli.commands.down import down as command

    command(target, absolute(context), keep_aws=keep_aws, force=force, as_json=as_json)


@app.command()
def check(
    *,
    exceptions: Annotated[bool, typer.Option("--exceptions", help="Show what is found and accepted, and why.")] = False,
    audit: Annotated[bool, typer.Option("--audit", help="Ask advisory services about every lock.")] = False,
    licences: Annotated[bool, typer.Option("--licences", help="Show every package's licence.")] = False,
    write: Annotated[
        bool,
        typer.Option("--write", help="With --exceptions or --licences: into docs/security.md or docs/licences.md."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check the code (ruff, mypy) and every template (cdk-nag, checkov, cfn-lint, IAM's reference)."""
    from cli.commands.check import audit as ask_about_locks
    from cli.commands.check import check as command
    from cli.commands.check import show_exceptions, show_licences

    if audit:
        ask_about_locks()
    elif exceptions:
        show_exceptions(as_json=as_json, write=write)
    elif licences:
        show_licences(as_json=as_json, write=write)
    else:
        command()


@app.command()
def sbom(
    out: Annotated[str | None, typer.Option("--out", metavar="DIR", show_default=".lab/sbom", help="Where to.")] = None,
) -> None:
    """Write what is installed as CycloneDX documents: of the lab, each image, each checker, and Node's packages."""
    from cli.commands.sbom import sbom as command

    command(out)


@app.command("test", context_settings={"ignore_unknown_options": True})
def run_tests(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH", help="Files, folders, or single tests (FILE::TEST); all of tests/ if none."),
    ] = None,
    *,
    expression: Annotated[
        str | None,
        typer.Option("-k", metavar="WORDS", help='Only tests whose names match, as in "seat and not rebuild".'),
    ] = None,
    last_failed: Annotated[
        bool, typer.Option("--last-failed", "--lf", help="Only those that failed the last time.")
    ] = False,
) -> None:
    """Run every test as CI does, or some; one file runs without workers. Other options, such as -x, go to pytest."""
    from cli.commands.test import test as command

    command(paths or [], expression=expression, last_failed=last_failed)


# `./lab bench train --help` is a question to the benchmark.
@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def bench(
    arguments: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Which; without one, all are named.")] = None,
) -> None:
    """Measure: a benchmark of bench/; further arguments, --help among them, go to it. Without one, all are named."""
    from cli.commands.bench import bench as command

    command(name, arguments.args)


@images.callback(invoke_without_command=True)
def images_default(context: typer.Context, *, as_json: JsonOption = False) -> None:
    """List them, unless a command is named."""
    if context.invoked_subcommand is None:
        images_list(as_json=as_json)


@images.command("list")
def images_list(*, as_json: JsonOption = False) -> None:
    """Show every image by AWS's name, its Python, what it takes on the disk, and whether the lab runs it."""
    from cli.commands.images import show as command

    command(as_json=as_json)


@images.command("pull")
def images_pull(names: ImagesArgument, *, as_json: JsonOption = False) -> None:
    """Install images, so that no job has to wait for it: `./lab images pull kmeans sagemaker-xgboost-3.2-0`."""
    from cli.commands.images import pull as command

    command(names, as_json=as_json)


@images.command("remove")
def images_remove(names: ImagesArgument, *, as_json: JsonOption = False) -> None:
    """Remove what is installed of images; what needs one again installs it anew."""
    from cli.commands.images import remove as command

    command(names, as_json=as_json)


@app.command()
def retrain(
    target: TargetOption = Target.EMBEDDED,
    context: ContextOption = None,
    *,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Show it to its end, or only begin.")] = True,
    stop: Annotated[bool, typer.Option("--stop", help="End what runs of it.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Train the model anew with what is new in the bucket, and register it if it is good enough."""
    from cli.commands.retrain import retrain as command

    command(target, absolute(context), wait=wait, stop=stop, as_json=as_json)


@models.callback(invoke_without_command=True)
def models_default(
    invoked: typer.Context,
    target: TargetOption = Target.EMBEDDED,
    context: ContextOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """List them, unless a command is named."""
    if invoked.invoked_subcommand is None:
        models_list(target, context, as_json=as_json)


@models.command("list")
def models_list(
    target: TargetOption = Target.EMBEDDED, context: ContextOption = None, *, as_json: JsonOption = False
) -> None:
    """Show every version: its approval, its training job, how good it is, and which one serves."""
    from cli.commands.models import show_all as command

    command(target, absolute(context), as_json=as_json)


@models.command("show")
def models_show(
    version: VersionArgument,
    target: TargetOption = Target.EMBEDDED,
    context: ContextOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show where a version comes from: job, hyperparameters, hashes of code and data, artifact, and whose answers."""
    from cli.commands.models import show as command

    command(target, absolute(context), version, as_json=as_json)


@models.command("approve")
def models_approve(
    version: VersionArgument,
    target: TargetOption = Target.EMBEDDED,
    context: ContextOption = None,
    *,
    because: BecauseOption = "",
) -> None:
    """Call a version approved: only such a one is served by `serve` and `rollback`."""
    from cli.aws.models import APPROVED
    from cli.commands.models import decide as command

    command(target, absolute(context), version, approval=APPROVED, because=because)


@models.command("reject")
def models_reject(
    version: VersionArgument,
    target: TargetOption = Target.EMBEDDED,
    context: ContextOption = None,
    *,
    because: BecauseOption = "",
) -> None:
    """Call a version rejected; what serves serves on until another one does."""
    from cli.aws.models import REJECTED
    from cli.commands.models import decide as command

    command(target, absolute(context), version, approval=REJECTED, because=because)


@models.command("serve")
def models_serve(
    version: VersionArgument, target: TargetOption = Target.EMBEDDED, context: ContextOption = None
) -> None:
    """Have the endpoint serve an approved version, until another model is trained."""
    from cli.commands.models import serve as command

    with deploy_lock():
        command(target, absolute(context), version)


@models.command("rollback")
def models_rollback(target: TargetOption = Target.EMBEDDED, context: ContextOption = None) -> None:
    """Have the endpoint serve the approved version before the one that serves."""
    from cli.commands.models import serve as command

    with deploy_lock():
        command(target, absolute(context), None)


@seats.command("list")
def seats_list(
    target: TargetOption = Target.EMBEDDED, context: ContextOption = None, *, as_json: JsonOption = False
) -> None:
    """Show every seat: its stack, its notebook, its student's address."""
    from cli.commands.seats import show as command

    command(target, absolute(context), as_json=as_json)


@seats.command("add")
def seats_add(names: NamesArgument, target: TargetOption = Target.EMBEDDED, context: ContextOption = None) -> None:
    """Add seats to the settings (cdk.json or the roster), and deploy them."""
    from cli.commands.seats import add as command

    with deploy_lock():
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
    from cli.commands.seats import remove as command

    with deploy_lock():
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
    from cli.commands.seats import rebuild as command

    with deploy_lock():
        command(target, absolute(context), names, force=force)
