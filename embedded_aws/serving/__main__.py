"""Start the host: `python -P __main__.py LISTEN ML`: a listening socket's number, and the folder that is /opt/ml here.

Runs in the image's environment and finds its own package without leaving anything of ours on the model code's path.
"""

import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[2])

if __name__ == "__main__":
    sys.path.insert(0, ROOT)
    from embedded_aws.serving import server

    sys.path.remove(ROOT)
    sys.exit(server.run(int(sys.argv[1]), Path(sys.argv[2])))
