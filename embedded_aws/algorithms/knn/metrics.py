"""Metrics of k-NN, and how they are found in its log.

Sources: SageMaker's guide, "Tune a k-NN Model"; AWS's notebook of the covertype data, whose log has the lines.
"""

from __future__ import annotations

from embedded_aws.algorithms.sdk.definitions import common, final

MAXIMIZED = ("test:accuracy",)
TUNABLE = (*MAXIMIZED, "test:mse")
DEFINITIONS = (*common(), final("test:accuracy", "score"), final("test:mse", "loss"))
