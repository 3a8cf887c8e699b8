"""An S3 object store for tests: moto's server in a thread of this process."""

import contextlib
import logging
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

BUCKET = "bucket"
PAGE = 100  # keys per page of a listing; S3 gives 1,000, and this makes tests read several pages


@contextlib.contextmanager
def s3_server(patch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Serve an empty bucket and point `s3://` at it; yields a boto3 client of the same store."""
    s3fs = pytest.importorskip("s3fs", reason="s3fs is optional: requirements-ray.txt")
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "MOTO_S3_DEFAULT_MAX_KEYS": str(PAGE),
    }
    for name, value in environment.items():
        patch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()  # it keeps the address of an earlier server
    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    try:
        yield client
    finally:
        urllib.request.urlopen(f"http://{host}:{port}/moto-api/reset", data=b"").close()
        server.stop()
