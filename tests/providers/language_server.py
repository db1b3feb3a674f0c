"""A language server for tests: a process of its own with real ports, TLS and a token to check.

Started with the flags of the real one. What it says comes from `SERVER_ANSWERS`, JSON by method;
a method without an answer gives 404. Every request is noted in the file `SERVER_NOTES`.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Checks the token, answers by method."""

    protocol_version = "HTTP/1.1"
    answers = json.loads(os.environ["SERVER_ANSWERS"])
    token = sys.argv[sys.argv.index("--csrf_token") + 1] if "--csrf_token" in sys.argv else ""

    def do_POST(self) -> None:
        """One question."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        method = self.path.rpartition("/")[2]
        given = self.headers.get("x-codeium-csrf-token") or ""
        with open(os.environ["SERVER_NOTES"], "a") as notes:
            scheme = "https" if isinstance(self.connection, ssl.SSLSocket) else "http"
            version = self.headers.get("connect-protocol-version")
            note = {"scheme": scheme, "path": self.path, "token": given, "version": version}
            notes.write(json.dumps({**note, "body": json.loads(body)}) + "\n")
        if given != self.token:
            self._say(401, {"code": "unauthenticated", "message": "missing CSRF token"})
        elif method in self.answers:
            self._say(200, self.answers[method])
        else:
            self._say(404, {"code": "unimplemented", "message": "unknown method"})

    def _say(self, status: int, answer: object) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


class Server(ThreadingHTTPServer):
    """A client that knocks at the wrong door is no news."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Quiet."""


def main() -> None:
    """Listen on one port with TLS and one without until the input ends."""
    plain, secure = Server(("127.0.0.1", 0), Handler), Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.environ["SERVER_CERTIFICATE"])
    secure.socket = context.wrap_socket(
        secure.socket, server_side=True, do_handshake_on_connect=False
    )
    for server in (plain, secure):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("listening", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
