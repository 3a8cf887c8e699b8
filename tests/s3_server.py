"""An object store that speaks as much of S3's HTTP interface as a workspace needs, in memory.

Requests (Amazon S3 API reference, 2006-03-01): GetObject with ranges, HeadObject, PutObject,
CopyObject, ListObjectsV2, DeleteObject, DeleteObjects. Signatures are not checked, but a request
without one is refused, as S3 refuses it.

    with S3Server() as server: ...   # server.environment points s3fs and botocore at it
"""

import threading
import urllib.parse
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from email.utils import formatdate
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from xml.sax.saxutils import escape

PAGE = 100  # keys in one answer of a listing: fewer than S3's 1,000, so that pages are asked for


class S3Server:
    """The server in a thread; `objects` is `{"bucket/key": bytes}`, `asked` the methods."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.asked: list[str] = []
        handler = type("Handler", (_Handler,), {"objects": self.objects, "asked": self.asked})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()


class _Handler(BaseHTTPRequestHandler):
    objects: dict[str, bytes]
    asked: list[str]
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionResetError, BrokenPipeError):  # a worker was killed while it asked
            self.close_connection = True

    def _parts(self) -> tuple[str, dict[str, str]]:
        self.asked.append(self.command)
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        return urllib.parse.unquote(url.path).strip("/"), query

    def _answer(
        self,
        status: int,
        body: bytes = b"",
        headers: Iterable[tuple[str, str]] = (),
        length: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _xml(self, name: str, inner: str, status: int = 200) -> None:
        namespace = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"' if status == 200 else ""
        text = f'<?xml version="1.0" encoding="UTF-8"?><{name}{namespace}>{inner}</{name}>'
        self._answer(status, text.encode(), [("Content-Type", "application/xml")])

    def _failed(self, status: int, code: str) -> None:
        self._xml("Error", f"<Code>{code}</Code><Message>{code}</Message>", status)

    def _body(self) -> bytes:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "aws-chunked" not in self.headers.get("Content-Encoding", ""):
            return data
        whole = b""
        while data:  # size in hex [;extensions] CRLF chunk CRLF ..., ended by a chunk of size 0
            head, _, data = data.partition(b"\r\n")
            size = int(head.split(b";")[0], 16)
            if size == 0:
                break
            whole, data = whole + data[:size], data[size + 2 :]
        return whole

    def _refused(self) -> bool:
        if self.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256"):
            return False
        self._body()
        self._failed(403, "AccessDenied")
        return True

    def _headers_of(self, data: bytes) -> list[tuple[str, str]]:
        return [
            ("ETag", f'"{md5(data).hexdigest()}"'),
            ("Last-Modified", formatdate(0, usegmt=True)),
            ("Accept-Ranges", "bytes"),
        ]

    def do_HEAD(self) -> None:
        key, _ = self._parts()
        if self._refused():
            return
        data = self.objects.get(key)
        if data is None:
            self._answer(200 if "/" not in key else 404)
        else:
            self._answer(200, b"", self._headers_of(data), length=len(data))

    def do_GET(self) -> None:
        key, query = self._parts()
        if self._refused():
            return
        if "list-type" in query:
            self._list(key, query)
            return
        data = self.objects.get(key)
        if data is None:
            self._failed(404, "NoSuchKey")
            return
        wanted = self.headers.get("Range", "")
        if not wanted.startswith("bytes="):
            self._answer(200, data, self._headers_of(data))
            return
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start = int(first) if first else max(0, len(data) - int(last))
        end = min(int(last), len(data) - 1) if first and last else len(data) - 1
        place = ("Content-Range", f"bytes {start}-{end}/{len(data)}")
        self._answer(206, data[start : end + 1], [place, *self._headers_of(data)])

    def do_PUT(self) -> None:
        key, _ = self._parts()
        if self._refused():
            return
        source = self.headers.get("x-amz-copy-source")
        body = self._body()
        if source is None:
            self.objects[key] = body
            self._answer(200, b"", self._headers_of(body))
            return
        data = self.objects.get(urllib.parse.unquote(source).strip("/"))
        if data is None:
            self._failed(404, "NoSuchKey")
            return
        self.objects[key] = data
        tag = f"<ETag>{md5(data).hexdigest()}</ETag>"
        self._xml("CopyObjectResult", f"{tag}<LastModified>1970-01-01T00:00:00Z</LastModified>")

    def do_DELETE(self) -> None:
        key, _ = self._parts()
        if not self._refused():
            self.objects.pop(key, None)
            self._answer(204)

    def do_POST(self) -> None:
        bucket, query = self._parts()
        if self._refused():
            return
        body = self._body()
        if "delete" not in query:
            self._failed(501, "NotImplemented")
            return
        keys = [node.text or "" for node in ET.fromstring(body).iter() if node.tag.endswith("Key")]
        for key in keys:
            self.objects.pop(f"{bucket}/{key}", None)
        gone = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
        self._xml("DeleteResult", gone)

    def _list(self, bucket: str, query: dict[str, str]) -> None:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        after = query.get("continuation-token", "")
        found: dict[str, str] = {}  # key or common prefix -> its element
        for name, data in sorted(self.objects.items()):
            key = name.removeprefix(f"{bucket}/")
            if key == name or not key.startswith(prefix):
                continue
            rest = key[len(prefix) :]
            if delimiter and delimiter in rest:
                folder = prefix + rest.split(delimiter)[0] + delimiter
                element = f"<Prefix>{escape(folder)}</Prefix>"
                found[folder] = f"<CommonPrefixes>{element}</CommonPrefixes>"
            else:
                found[key] = (
                    f"<Contents><Key>{escape(key)}</Key><Size>{len(data)}</Size>"
                    f"<ETag>{md5(data).hexdigest()}</ETag><StorageClass>STANDARD</StorageClass>"
                    "<LastModified>1970-01-01T00:00:00Z</LastModified></Contents>"
                )
        names = [name for name in sorted(found) if name > after]
        page = names[:PAGE]
        more = len(names) > PAGE
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        self._xml(
            "ListBucketResult",
            f"<Name>{bucket}</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(page)}</KeyCount>"
            f"<MaxKeys>{PAGE}</MaxKeys><IsTruncated>{str(more).lower()}</IsTruncated>{token}"
            + "".join(found[name] for name in page),
        )
