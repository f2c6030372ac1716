"""AWS's own TensorFlow containers: which ones. Whose registry has them in which region is in regions.py.

It imports nothing of the CDK, so that command line tools can use it too.
"""

from __future__ import annotations

# Source: sagemaker.core.image_uris 2.27.0, the newest of each. Of 2.20 no tag without -py312 was published
# (aws/sagemaker-python-sdk, pull request 6230).
TRAINING = ("tensorflow-training", "2.21-cpu-py312")
INFERENCE = ("tensorflow-inference", "2.20-cpu-py312")
