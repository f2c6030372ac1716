"""The options that commands of `embedded-aws` share, each with its help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from embedded_aws import settings

_WHOLE = 1000  # characters of a command's sentence


class WholeHelpGroup(TyperGroup):
    """A group whose help has every command's whole sentence, which Click cuts to what a line holds."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands, each with what it does."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, one.get_short_help_str(_WHOLE)) for name, one in found if one and not one.hidden]
            )


StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="DIR",
        envvar="EMBEDDED_AWS_STATE",
        show_default=str(settings.default_home()),
        help="Its folder: one embedded AWS a folder.",
    ),
]
PortOption = Annotated[
    int,
    typer.Option("--port", min=0, max=65535, envvar="EMBEDDED_AWS_PORT", help="Its port on 127.0.0.1; 0: any free."),
]
EnforceOption = Annotated[
    bool,
    typer.Option(
        "--enforce-iam",
        envvar="EMBEDDED_AWS_ENFORCE_IAM",
        help="Ask the policies of roles, buckets and keys before every call, over https, as AWS does.",
    ),
]
CacheOption = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        metavar="DIR",
        envvar="EMBEDDED_AWS_CACHE",
        show_default=str(settings.default_cache()),
        help="Where container images are installed, each at its first use; kept.",
    ),
]
ImagesOption = Annotated[
    Path,
    typer.Option(
        "--images",
        metavar="DIR",
        exists=True,
        file_okay=False,
        show_default="its own",
        help="Requirements files that are images: REPOSITORY-TAG.txt.",
    ),
]
PaceOption = Annotated[
    float, typer.Option("--pace", min=0, help="How long AWS's waits take here: 1 normal, 0.1 a tenth.")
]
ContainersOption = Annotated[
    settings.Containers | None,
    typer.Option(
        "--containers",
        envvar="EMBEDDED_AWS_CONTAINERS",
        show_default="as before, `none` at first",
        help="Let this container engine of yours run images of your own: ACCOUNT.dkr.ecr.REGION.amazonaws.com/….",
    ),
]
NodeOption = Annotated[
    Path | None,
    typer.Option(
        "--node-modules",
        metavar="DIR",
        show_default="NODE_PATH, or node_modules here",
        help="Where functions on Node find what AWS's runtimes bring: @aws-sdk/client-s3 and its like.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
