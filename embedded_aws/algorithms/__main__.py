"""Run an algorithm: `python -P __main__.py ALGORITHM train`, or `… ALGORITHM serve LISTEN ML`.

LISTEN is a listening socket's number, ML the folder that is /opt/ml here; for `train` SAGEMAKER_BASE_DIR says that.
Runs in the image's environment and finds its own package without leaving anything of ours on the path.
"""

import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[2])

if __name__ == "__main__":
    sys.path.insert(0, ROOT)
    from embedded_aws.algorithms import programs

    sys.path.remove(ROOT)
    sys.exit(programs.run(*sys.argv[1:]))
