"""A Hugging Face Hub of one process: repositories in memory, on loopback."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

TOKEN = "hf_test"


@dataclass
class HubStub:
    """What the hub holds.

    Attributes:
        url: for HF_ENDPOINT.
        repositories: files by name, of each branch of each repository.
        private: whether each repository was made private.
        requests: methods and paths, in their order.
    """

    url: str = ""
    repositories: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)
    private: dict[str, bool] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def commit(self, repository, branch):
        files = self.repositories[repository][branch]
        return hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()

    def files_at(self, repository, revision):
        branches = self.repositories.get(repository, {})
        found = [files for name, files in branches.items() if revision in (name, self.commit(repository, name))]
        return found[0] if found else None


@contextmanager
def hub_stub():
    """Serve a hub while the block runs."""
    hub = HubStub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: HubStub

    def do_GET(self):
        self._answer()

    def do_HEAD(self):
        self._answer()

    def do_POST(self):
        self._answer()

    def log_message(self, *_):
        pass

    def _answer(self):
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{self.command} {path}")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        for pattern, reply in _ROUTES.items():
            if match := re.fullmatch(pattern, path):
                return reply(self, body, **match.groupdict())
        return self._send(404, {"error": f"no route {path}"})

    def _send(self, status, value, headers=()):
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in (("Content-Length", str(len(content))), *headers):
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _missing(self):
        self._send(404, {"error": "Repository not found"}, [("X-Error-Code", "RepoNotFound")])

    def _create(self, body):
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._send(401, {"error": "Invalid username or password."})
        asked = json.loads(body)
        repository = "/".join(filter(None, (asked.get("organization"), asked["name"])))
        if repository in self.hub.repositories:
            return self._send(
                409, {"error": "You already created this model repo", "url": f"{self.hub.url}/{repository}"}
            )
        self.hub.repositories[repository] = {"main": {".gitattributes": b""}}
        self.hub.private[repository] = asked.get("private", asked.get("visibility") == "private")
        return self._send(200, {"url": f"{self.hub.url}/{repository}"})

    def _branch(self, body, repository, branch):
        branches = self.hub.repositories[repository]
        if branch in branches:
            return self._send(409, {"error": "Reference already exists"})
        branches[branch] = dict(branches["main"])
        return self._send(201, {})

    def _yaml(self, body):
        self._send(200, {"errors": [], "warnings": []})

    def _preupload(self, body, repository, branch):
        paths = [file["path"] for file in json.loads(body)["files"]]
        files = [{"path": path, "uploadMode": "regular", "shouldIgnore": False} for path in paths]
        self._send(200, {"files": files})

    def _commit(self, body, repository, branch):
        files = self.hub.repositories[repository][branch]
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "deletedFile":
                files.pop(value["path"], None)
        oid = self.hub.commit(repository, branch)
        self._send(200, {"success": True, "commitOid": oid, "commitUrl": f"{self.hub.url}/{repository}/commit/{oid}"})

    def _info(self, body, repository, revision="main"):
        if self.hub.files_at(repository, revision) is None:
            return self._missing()
        return self._send(200, {"id": repository, "sha": self.hub.commit(repository, revision), "siblings": []})

    def _tree(self, body, repository, revision):
        files = self.hub.files_at(repository, revision)
        if files is None:
            return self._missing()
        entries = [
            {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
            for path, content in files.items()
        ]
        return self._send(200, entries)

    def _file(self, body, repository, revision, path):
        files = self.hub.files_at(repository, revision)
        if files is None:
            return self._missing()
        headers = [("ETag", f'"{hashlib.sha1(files[path]).hexdigest()}"'), ("X-Repo-Commit", revision)]
        return self._send(200, files[path], headers)


_MODEL = r"/api/models/(?P<repository>[^/]+/[^/]+)"
_ROUTES = {
    "/api/repos/create": _Handler._create,
    "/api/validate-yaml": _Handler._yaml,
    rf"{_MODEL}/branch/(?P<branch>.+)": _Handler._branch,
    rf"{_MODEL}/preupload/(?P<branch>.+)": _Handler._preupload,
    rf"{_MODEL}/commit/(?P<branch>.+)": _Handler._commit,
    rf"{_MODEL}/revision/(?P<revision>.+)": _Handler._info,
    rf"{_MODEL}/tree/(?P<revision>[^/]+)": _Handler._tree,
    _MODEL: _Handler._info,
    r"/(?P<repository>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)": _Handler._file,
}
