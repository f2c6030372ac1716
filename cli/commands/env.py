"""`./lab env`: print the exports that point any AWS tool at the lab, and a notebook at its seat."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cli import downloads, paths, settings
from cli.aws import seats, stacks
from cli.aws.session import connect
from cli.ui.errors import LabError
from embedded_aws import shell
from teardown import names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.aws.session import Session, Target
    from infra.settings import Settings


def env(target: Target, context: Sequence[str], name: str | None) -> None:
    """Print them, for `eval "$(./lab env)"`; with a seat, also what its notebook instance tells its notebooks."""
    session = connect(target)
    variables = dict(session.variables)
    if name is not None:
        variables |= _of_seat(session, settings.read(context), name)
    print(*shell.exports(variables, os.environ), sep="\n")


def _of_seat(session: Session, lab: Settings, name: str) -> dict[str, str]:
    """Return the variables that infra/scripts/on_start.sh sets too, for a notebook on the user's own machine."""
    [one] = seats.chosen(seats.find(session, lab), [name])
    found = {stack.name: stack.outputs for stack in stacks.of_lab(session, lab.name)}
    own, storage = found.get(names.seat_stack(lab.name, one.name), {}), found.get(names.storage_stack(lab.name), {})
    if "RoleArn" not in own:
        raise LabError(f"The seat {one.name} is not deployed (its stack: {one.stack or 'none'}): `./lab up` does it.")
    return {
        "AWS_DEFAULT_REGION": session.region,
        "BRICKLAB_BUCKET": storage["BucketName"],
        "BRICKLAB_DATA": str(downloads.DATA),
        "BRICKLAB_DATABASE": names.database(lab.name, one.name),
        "BRICKLAB_ENDPOINT": names.endpoint(lab.name, lab.hosting),
        "BRICKLAB_INSTANCE_TYPE": lab.seat_instance_types[0],
        "BRICKLAB_LABELLING": str(paths.ROOT),
        "BRICKLAB_PREFIX": names.prefix(lab.name, one.name),
        "BRICKLAB_ROLE": own["RoleArn"],
        "BRICKLAB_SEAT": one.name,
        "BRICKLAB_SEAT_URI": f"s3://{storage['BucketName']}/{own['Prefix']}",
        "BRICKLAB_WORKGROUP": names.workgroup(lab.name, one.name),
    }
