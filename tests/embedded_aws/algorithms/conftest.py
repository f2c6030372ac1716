"""Real data, from scikit-learn as the image has it, in the bucket: split, in every format, with others' scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.embedded_aws.algorithms import xgboost_image

if TYPE_CHECKING:
    from pathlib import Path

    from tests.embedded_aws.account import Account

# Label first, three quarters to train on; what scikit-learn's own boosting scores on the other quarter.
_PREPARE = """
import json, sys
from pathlib import Path
import numpy as np, pandas as pd
from sklearn import datasets, ensemble, metrics
from sklearn.model_selection import train_test_split
folder, scores = Path(sys.argv[1]), {}
def write(name, X, y):
    rows = np.column_stack((y, X))
    (folder / f"{name}.csv").write_text("".join(",".join(map(repr, map(float, row))) + "\\n" for row in rows))
    lines = [f"{row[0]:g} " + " ".join(f"{i}:{v!r}" for i, v in enumerate(map(float, row[1:]))) for row in rows]
    (folder / f"{name}.libsvm").write_text("\\n".join(lines) + "\\n")
    pd.DataFrame(rows, columns=map(str, range(rows.shape[1]))).to_parquet(folder / f"{name}.parquet")
for name in "diabetes", "breast_cancer", "digits":
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    X, Z, y, w = train_test_split(X, y, test_size=0.25, random_state=7)
    write(f"{name}/train", X, y) if (folder / name).mkdir() is None else None
    write(f"{name}/validation", Z, w)
    regression = name == "diabetes"
    kind = ensemble.HistGradientBoostingRegressor if regression else ensemble.HistGradientBoostingClassifier
    predicted = kind(max_iter=20, random_state=7).fit(X, y).predict(Z)
    wrong = metrics.mean_squared_error(w, predicted) ** 0.5 if regression else 1 - metrics.accuracy_score(w, predicted)
    scores[name] = float(wrong)
print(json.dumps(scores))
"""


@pytest.fixture(scope="package")
def scores(account: Account, tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """Put the data below `sets/` in the bucket and return scikit-learn's errors, by the data's names."""
    folder: Path = tmp_path_factory.mktemp("sets")
    found: dict[str, Any] = xgboost_image.run(_PREPARE, str(folder))
    for file in folder.rglob("*.*"):
        account.put(f"sets/{file.relative_to(folder)}", file.read_bytes())
    return found
