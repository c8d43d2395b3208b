"""Object storage: whatever is read is checked against the hash that the event carried.

Every failure is one of three: the object is missing, storage does not serve us for now (it is away,
or refuses: keys are changed and policies mended while we run), or the content is broken. The last
alone is the object's own fault.
"""

import asyncio
import hashlib
import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error

from shared.errors import Conflict, NotFound, Rejected, Transient
from shared.events import ArtifactRef
from shared.settings import EngineSettings

T = TypeVar("T")

MODELS = "models"
DATASETS = "datasets"
REPORTS = "reports"
BUCKETS = (MODELS, DATASETS, REPORTS)
# What would be refused again, whoever asks and whenever.
_IMPOSSIBLE_CODES = {
    *("InvalidArgument", "InvalidBucketName", "InvalidURI", "KeyTooLongError", "EntityTooLarge"),
    *("MethodNotAllowed", "NotImplemented", "XMinioInvalidObjectName"),
}
_MISSING_CODES = {"NoSuchKey", "NoSuchBucket", "NoSuchObject"}


class CorruptArtifact(Rejected):
    """An object cannot be used: it is not the one that was published, or missing."""


class MissingArtifact(CorruptArtifact):
    """An object is not there, which may change: a bucket is restored, a base model registered."""


class Artifacts:
    """S3-compatible storage through MinIO's client. Methods block; `in_thread` runs them aside."""

    def __init__(self, settings: EngineSettings) -> None:
        self._client = Minio(
            settings.s3_endpoint,
            access_key=settings.s3_access_key,
            secret_key=settings.s3_secret_key.get_secret_value(),
            secure=settings.s3_secure,
            region="us-east-1",
            http_client=urllib3.PoolManager(
                timeout=urllib3.Timeout(connect=3, read=60),
                retries=urllib3.Retry(2, backoff_factor=0.2),
            ),
        )

    def create_buckets(self) -> None:
        """Create the buckets that are missing. Safe to repeat, also by several at once."""
        for bucket in BUCKETS:
            self._call(partial(self._make, bucket))

    def _make(self, bucket: str) -> None:
        try:
            if not self._client.bucket_exists(bucket):
                self._client.make_bucket(bucket)
        except S3Error as error:
            if error.code not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
                raise

    def put(self, uri: str, content: bytes) -> ArtifactRef:
        """Store `content` and return its reference."""
        bucket, key = split_uri(uri)
        self._call(
            lambda: self._client.put_object(bucket, key, io.BytesIO(content), len(content)),
            uri,
        )
        return ArtifactRef(
            uri=uri, sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content)
        )

    def put_file(self, uri: str, path: Path) -> ArtifactRef:
        """Store a file without reading it into memory at once."""
        bucket, key = split_uri(uri)
        self._call(lambda: self._client.fput_object(bucket, key, str(path)), uri)
        return ArtifactRef(uri=uri, sha256=sha256_of(path), size_bytes=path.stat().st_size)

    def get(self, ref: ArtifactRef) -> bytes:
        """The object's content; `CorruptArtifact` if it is missing or not what was published."""
        content = self.read(ref.uri)
        if hashlib.sha256(content).hexdigest() != ref.sha256:
            raise CorruptArtifact(f"{ref.uri} has another hash than it was published with")
        return content

    def get_told(self, ref: ArtifactRef, *, in_place: bool, field: str) -> bytes:
        """The file that an event tells of in `field`; `Rejected` unless it is held, and lies where
        such a file does.

        A file is there before the event is. So no record of somebody else's stands for one, or
        takes the place of those to come.
        """
        if not in_place:
            raise Conflict("is not where such a file lies", field=field)
        try:
            return self.get(ref)
        except CorruptArtifact:
            raise NotFound("object storage holds no such file", field=field) from None

    def get_file(self, ref: ArtifactRef, path: Path) -> Path:
        """The object as a file, written aside and moved in place once its hash is right."""
        bucket, key = split_uri(ref.uri)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        self._call(lambda: self._client.fget_object(bucket, key, str(part)), ref.uri)
        if sha256_of(part) != ref.sha256:
            part.unlink()
            raise CorruptArtifact(f"{ref.uri} has another hash than it was published with")
        part.replace(path)
        return path

    def read(self, uri: str) -> bytes:
        """The object's content as it is; for small files whose hash nobody published."""
        bucket, key = split_uri(uri)

        def fetch() -> bytes:
            response = self._client.get_object(bucket, key)
            try:
                content: bytes = response.read()
                return content
            finally:
                response.close()
                response.release_conn()

        return self._call(fetch, uri)

    def exists(self, uri: str) -> bool:
        try:
            bucket, key = split_uri(uri)
            self._call(lambda: self._client.stat_object(bucket, key), uri)
        except MissingArtifact:
            return False
        return True

    def _call(self, work: Callable[[], T], uri: str = "") -> T:
        try:
            return work()
        except S3Error as error:
            raise _classified(error, uri) from error
        except (MinioException, urllib3.exceptions.HTTPError, ConnectionError, TimeoutError) as e:
            raise Transient(f"object storage is unavailable: {type(e).__name__}") from e
        except OSError as error:  # a full disk, for example
            raise Transient(f"a file of this machine: {error}") from error


def _classified(error: S3Error, uri: str) -> Transient | Rejected:
    if error.code in _MISSING_CODES:
        return MissingArtifact(f"{uri} is missing from object storage")
    if error.code in _IMPOSSIBLE_CODES:
        return Rejected(f"{uri}: object storage cannot do this: {error.code}")
    return Transient(f"object storage refuses for now: {error.code}")


async def in_thread(work: Callable[..., T], *arguments: Any) -> T:
    """Run a blocking call beside the event loop."""
    return await asyncio.to_thread(work, *arguments)


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of an s3:// URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket or not key:
        raise Rejected("is not of the form s3://bucket/key", field="uri")
    return bucket, key


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
