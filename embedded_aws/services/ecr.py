"""ECR knows the containers that SageMaker can pull: those of another account's registry, as AWS's own containers are.

Which there are image_families.py says, and lists of one's own; a notebook's platform is none. Registries of all
accounts but the caller's hold the same. Answered are BatchGetImage and DescribeImages; the sentences are those that
users quote from AWS. The manifest names what the image consists of here, a list of pins, and no layers.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from embedded_aws.runtime import image_families, images
from embedded_aws.services.sagemaker.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from embedded_aws.runtime.image_families import Release

    Response = tuple[int, dict[str, str], bytes]

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_JSON = "application/x-amz-json-1.1"


@dataclass(frozen=True)
class _Image:
    repository: str
    release: Release
    file: Path

    @property
    def tag(self) -> str:
        return self.release.tags[0]

    def manifest(self) -> str:
        content = self.file.read_bytes()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        config = {"mediaType": _CONFIG, "size": len(content), "digest": digest}
        return json.dumps({"schemaVersion": 2, "mediaType": _MANIFEST, "config": config, "layers": []})

    def digest(self) -> str:
        return f"sha256:{hashlib.sha256(self.manifest().encode()).hexdigest()}"

    def has_id(self, image: Mapping[str, str]) -> bool:
        """Tell whether an image id, a tag or a digest or both, means this one."""
        tag, digest = image.get("imageTag"), image.get("imageDigest")
        return bool(image) and digest in (None, self.digest()) and (tag is None or self.release.has(tag))


class ImageRegistries:
    """The registries of all other accounts, made of a folder of images. `caller` returns account and region."""

    def __init__(self, images_dir: Path, *, caller: Callable[[], tuple[str, str]]) -> None:
        self._images_dir = images_dir
        self._caller = caller

    def answer(
        self, _method: str, _path: str, headers: dict[str, str], body: bytes, _query: dict[str, list[str]]
    ) -> Response | None:
        """Return ECR's answer; None about the caller's own registry, and for whatever else is asked."""
        target = {name.lower(): value for name, value in headers.items()}.get("x-amz-target", "")
        answer = _OPERATIONS.get(target.rpartition(".")[2])
        request = _object(body)
        if answer is None or request.get("registryId", self._caller()[0]) == self._caller()[0]:
            return None
        try:
            return _document(200, answer(self._repository(request), request))
        except ServiceError as error:
            return _document(error.status, {"__type": error.code, "message": error.message})

    def _repository(self, request: Mapping[str, Any]) -> list[_Image]:
        """Return the images of the repository that is asked for. Raises RepositoryNotFoundException."""
        named = [
            (image_families.of(name), images.list_of(name, self._images_dir))
            for name in images.available(self._images_dir)
        ]
        known = [_Image(family.repository, release, file) for (family, release), file in named if release.tags[0]]
        found = [one for one in known if one.repository == request["repositoryName"]]
        if not found:
            raise ServiceError(
                "RepositoryNotFoundException",
                f"The repository with name '{request['repositoryName']}' does not exist in the registry with id "
                f"'{request['registryId']}'",
            )
        return found


def _batch_get_image(repository: list[_Image], request: Mapping[str, Any]) -> dict[str, Any]:
    wanted = [(image, next((one for one in repository if one.has_id(image)), None)) for image in request["imageIds"]]
    missing = {"failureCode": "ImageNotFound", "failureReason": "Requested image not found"}
    return {
        "images": [
            {
                "registryId": request["registryId"],
                "repositoryName": one.repository,
                "imageId": {"imageDigest": one.digest(), "imageTag": image.get("imageTag", one.tag)},
                "imageManifest": one.manifest(),
                "imageManifestMediaType": _MANIFEST,
            }
            for image, one in wanted
            if one
        ],
        "failures": [{"imageId": image, **missing} for image, one in wanted if one is None],
    }


def _describe_images(repository: list[_Image], request: Mapping[str, Any]) -> dict[str, Any]:
    for image in request.get("imageIds", ()):
        if not any(one.has_id(image) for one in repository):
            raise ServiceError(
                "ImageNotFoundException",
                f"The image with imageId {{imageDigest:'{image.get('imageDigest', 'null')}', "
                f"imageTag:'{image.get('imageTag', 'null')}'}} does not exist within the repository with name "
                f"'{request['repositoryName']}' in the registry with id '{request['registryId']}'",
            )
    wanted = request.get("imageIds")
    found = [one for one in repository if not wanted or any(one.has_id(image) for image in wanted)]
    return {
        "imageDetails": [
            {
                "registryId": request["registryId"],
                "repositoryName": one.repository,
                "imageDigest": one.digest(),
                "imageTags": list(one.release.tags),
                "imageSizeInBytes": one.file.stat().st_size,
                "imagePushedAt": one.file.stat().st_mtime,
                "imageManifestMediaType": _MANIFEST,
                "artifactMediaType": _CONFIG,
            }
            for one in found
        ]
    }


_OPERATIONS: Mapping[str, Callable[[list[_Image], Mapping[str, Any]], dict[str, Any]]] = {
    "BatchGetImage": _batch_get_image,
    "DescribeImages": _describe_images,
}


def _object(body: bytes) -> dict[str, Any]:
    """Return the request's JSON object; an empty one for anything else, which ECR itself then refuses."""
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _document(status: int, document: Mapping[str, Any]) -> Response:
    return status, {"Content-Type": _JSON}, json.dumps(document).encode()
