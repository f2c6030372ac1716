"""Whose registry has the containers of AWS's own algorithms in which region of those that the lab accepts.

It imports nothing of the CDK, so that command line tools can use it too. A region that is missing has none of them.

Source: the registries are those of the SageMaker SDK (`sagemaker.core.image_uris`), of linear-learner:1 and of
sagemaker-xgboost:3.2-0. tests/infra/test_algorithm_registries.py holds this table against it.
"""

from __future__ import annotations

from typing import NamedTuple


class Registries(NamedTuple):
    """The accounts of the first algorithms (k-means, linear learner and their like) and of XGBoost's container."""

    first: str
    xgboost: str

    def of(self, repository: str) -> str:
        """Return the account that has a repository."""
        return self.xgboost if repository == "sagemaker-xgboost" else self.first


REGISTRIES = {
    "af-south-1": Registries("455444449433", "510948584623"),
    "ap-east-1": Registries("286214385809", "651117190479"),
    "ap-northeast-1": Registries("351501993468", "354813040037"),
    "ap-northeast-2": Registries("835164637446", "366743142698"),
    "ap-northeast-3": Registries("867004704886", "867004704886"),
    "ap-south-1": Registries("991648021394", "720646828776"),
    "ap-south-2": Registries("628508329040", "628508329040"),
    "ap-southeast-1": Registries("475088953585", "121021644041"),
    "ap-southeast-2": Registries("712309505854", "783357654285"),
    "ap-southeast-3": Registries("951798379941", "951798379941"),
    "ap-southeast-4": Registries("106583098589", "106583098589"),
    "ca-central-1": Registries("469771592824", "341280168497"),
    "ca-west-1": Registries("190319476487", "190319476487"),
    "eu-central-1": Registries("664544806723", "492215442770"),
    "eu-central-2": Registries("680994064768", "680994064768"),
    "eu-north-1": Registries("669576153137", "662702820516"),
    "eu-south-1": Registries("257386234256", "978288397137"),
    "eu-south-2": Registries("104374241257", "104374241257"),
    "eu-west-1": Registries("438346466558", "141502667606"),
    "eu-west-2": Registries("644912444149", "764974769150"),
    "eu-west-3": Registries("749696950732", "659782779980"),
    "il-central-1": Registries("898809789911", "898809789911"),
    "sa-east-1": Registries("855470959533", "737474898029"),
    "us-east-1": Registries("382416733822", "683313688378"),
    "us-east-2": Registries("404615174143", "257758044811"),
    "us-west-1": Registries("632365934929", "746614075791"),
    "us-west-2": Registries("174872318107", "246618743249"),
}
