"""Whose registry of ECR has AWS's containers in which region.

Source: `registries` in image_uri_config of the SageMaker SDK 3.27 (`sagemaker.core`), of every repository that
image_families.py has; tests/embedded_aws/runtime/test_registries.py holds this table against it. The DNS suffixes are
those of botocore's partitions.json.
"""

from __future__ import annotations

DEEP_LEARNING, FRAMEWORKS, ALGORITHMS = range(3)
"""The deep learning containers (TensorFlow, PyTorch); scikit-learn and XGBoost; the other built-in algorithms."""

_ACCOUNTS = """
af-south-1      626614931356  510948584623  455444449433
ap-east-1       871362719292  651117190479  286214385809
ap-east-2       975050140332  -             -
ap-northeast-1  763104351884  354813040037  351501993468
ap-northeast-2  763104351884  366743142698  835164637446
ap-northeast-3  364406365360  867004704886  867004704886
ap-south-1      763104351884  720646828776  991648021394
ap-south-2      772153158452  628508329040  628508329040
ap-southeast-1  763104351884  121021644041  475088953585
ap-southeast-2  763104351884  783357654285  712309505854
ap-southeast-3  907027046896  951798379941  951798379941
ap-southeast-4  457447274322  106583098589  106583098589
ap-southeast-5  550225433462  -             -
ap-southeast-6  633930458069  -             -
ap-southeast-7  590183813437  -             -
ca-central-1    763104351884  341280168497  469771592824
ca-west-1       204538143572  190319476487  190319476487
cn-north-1      727897471807  450853457545  390948362332
cn-northwest-1  727897471807  451049120500  387376663083
eu-central-1    763104351884  492215442770  664544806723
eu-central-2    380420809688  680994064768  680994064768
eu-isoe-west-1  371248457586  -             -
eu-north-1      763104351884  662702820516  669576153137
eu-south-1      692866216735  978288397137  257386234256
eu-south-2      503227376785  104374241257  104374241257
eu-west-1       763104351884  141502667606  438346466558
eu-west-2       763104351884  764974769150  644912444149
eu-west-3       763104351884  659782779980  749696950732
eusc-de-east-1  204133271717  -             -
il-central-1    780543022126  898809789911  898809789911
me-central-1    914824155844  272398656194  272398656194
me-south-1      217643126080  801668240914  249704162688
me-west-1       124382933778  -             -
mx-central-1    637423239942  -             -
sa-east-1       763104351884  737474898029  855470959533
us-east-1       763104351884  683313688378  382416733822
us-east-2       763104351884  257758044811  404615174143
us-gov-east-1   446045086412  237065988967  237065988967
us-gov-west-1   442386744353  414596584902  226302683700
us-iso-east-1   886529160074  833128469047  490574956308
us-isob-east-1  094389454867  281123927165  765400339828
us-isof-east-1  303241398832  108575199400  108575199400
us-isof-south-1 454834333376  124985052026  124985052026
us-west-1       763104351884  746614075791  632365934929
us-west-2       763104351884  246618743249  174872318107
"""
_BY_REGION = {region: accounts for region, *accounts in map(str.split, _ACCOUNTS.strip().splitlines())}
_SUFFIXES = {
    "cn": "amazonaws.com.cn",
    "eusc": "amazonaws.eu",
    "us-iso": "c2s.ic.gov",
    "us-isob": "sc2s.sgov.gov",
    "us-isof": "csp.hci.ic.gov",
    "eu-isoe": "cloud.adc-e.uk",
}


def regions(registry: int) -> list[str]:
    """Return the regions in which AWS has a registry of a kind, sorted."""
    return [region for region in _BY_REGION if account(registry, region)]


def account(registry: int, region: str) -> str | None:
    """Return the account whose registry has such containers in a region; None where AWS has none."""
    found = _BY_REGION.get(region, ("-",) * 3)[registry]
    return None if found == "-" else found


def is_aws(account: str) -> bool:
    """Return whether an account is one of those in which AWS has its containers."""
    return any(account in accounts for accounts in _BY_REGION.values())


def host(account: str, region: str) -> str:
    """Return the host name of an account's registry in a region."""
    begins = region.split("-")
    suffix = _SUFFIXES.get("-".join(begins[:2])) or _SUFFIXES.get(begins[0]) or "amazonaws.com"
    return f"{account}.dkr.ecr.{region}.{suffix}"
