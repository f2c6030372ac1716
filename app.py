"""The CDK app: `cdk synth`, `cdk deploy --all`, `cdk destroy --all`."""

from __future__ import annotations

import gc
import os
import sys

if __name__ == "__main__":
    gc.disable()  # looking for garbage, of which there is none, takes a fifth of the time of the imports below

import aws_cdk as cdk

from infra import composition, region_check
from infra.function_package import PackageError
from infra.settings import SettingsError, read


def main() -> None:
    """Read the settings, put the lab's stacks together, write their templates."""
    app = cdk.App(stack_traces=False)
    try:
        settings = read(app.node.get_all_context())
        function = composition.model_function(settings, os.environ)
    except (SettingsError, PackageError) as error:
        sys.exit(str(error))
    # The CDK CLI says where it would deploy to; without it the templates fit every account and region.
    region = os.environ.get("CDK_DEFAULT_REGION")
    if region and (refusal := region_check.refusal(region, settings)):
        sys.exit(refusal)
    env = cdk.Environment(account=os.environ.get("CDK_DEFAULT_ACCOUNT"), region=region)
    data = composition.data_folder(settings, os.environ)
    composition.compose(app, settings, data, function=function, env=env)
    app.synth()


if __name__ == "__main__":
    main()
