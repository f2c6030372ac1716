"""Boot a notebook instance: `boot.py MARK SECONDS PROFILE HOOK=SCRIPT… -- COMMAND…`.

Runs the lifecycle scripts one after the other as SageMaker does, each for SECONDS at most: bash executes the file, so
that its first line says what runs it, and bash itself runs one that has no such line. The logs of notebook instances
show that: "/bin/bash: /tmp/OnStart_…: /bin/bash^M: bad interpreter"
(aws-samples/amazon-sagemaker-notebook-instance-lifecycle-config-samples#8, #75 and #86). They run as root, so that is
what they are told. Then it becomes COMMAND, in the environment that the scripts in the folder PROFILE (the machine's
/etc/profile.d) make of its own. What a script leaves in the background stays. Lines on the standard output that begin
with MARK tell the owner where it is: `MARK run HOOK`, `MARK serve`, and `MARK failed HOOK STATUS` or `MARK late HOOK`
before it ends because of a script.
"""

import os
import subprocess
import sys

BECOME = 'for file in "$0"/*.sh; do [ -e "$file" ] && . "$file"; done; exec "$@"'


def main() -> None:
    """Run the scripts; exit with status 1 after one that failed."""
    mark, seconds, profile, *rest = sys.argv[1:]
    separator = rest.index("--")
    for hook, _, script in (item.partition("=") for item in rest[:separator]):
        _tell(mark, f"run {hook}")
        os.chmod(script, 0o755)  # noqa: PTH101, S103 - as SageMaker does; pathlib takes longer to import than all of this takes
        environment = {**os.environ, "USER": "root", "LOGNAME": "root"}
        script_process = subprocess.Popen(["bash", "-c", '"$0"', script], env=environment, stdin=subprocess.DEVNULL)
        try:
            status = script_process.wait(float(seconds))
        except subprocess.TimeoutExpired:
            _tell(mark, f"late {hook}")
            sys.exit(1)
        if status:
            _tell(mark, f"failed {hook} {status}")
            sys.exit(1)
    _tell(mark, "serve")
    os.execvp("bash", ["bash", "-c", BECOME, profile, *rest[separator + 1 :]])


def _tell(mark: str, what: str) -> None:
    # A script's last line may lack its end.
    print(f"\n{mark} {what}", flush=True)


if __name__ == "__main__":
    main()
