"""Start the host: `python -P __main__.py FRAMEWORK LISTEN ML`, or with four more words a worker, as the host does.

FRAMEWORK is scikit-learn, xgboost or pytorch, LISTEN a listening socket's number, ML the folder that is /opt/ml here.
Runs in the image's environment and finds its own package without leaving anything of ours on the path of the model's
code.
"""

import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[3])

if __name__ == "__main__":
    sys.path.insert(0, ROOT)
    from embedded_aws.serving.toolkits import model_server, worker

    sys.path.remove(ROOT)
    framework, number, ml, *model = sys.argv[1:]
    run = worker.run if model else model_server.run
    sys.exit(run(framework, int(number), Path(ml), *map(Path, model)))
