"""Metrics of k-means, and how they are found in its log.

Sources: SageMaker's guide, "Tune a K-Means Model"; the regular expressions are in the SageMaker SDK's own overview.
"""

from __future__ import annotations

from embedded_aws.algorithms.sdk.definitions import common, final

TUNABLE = ("test:msd", "test:ssd")
DEFINITIONS = (*common(), *(final(name, "loss") for name in ("train:msd", *TUNABLE)))
