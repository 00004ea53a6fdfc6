#!/usr/bin/env python3
"""A page's server on loopback, until standard input ends: page.py REQUEST.json BAD.json. Prints its port.

/?URL is a page that fetches URL/leadfit.v1.Scoring/Score by Connect, and becomes what the examples print; /bad?URL sends BAD.json.
"""
import http.server
import json
import sys
import threading
import urllib.parse

PAGE = """<!doctype html><meta charset="utf-8"><title>page</title><pre id="answer">waiting</pre><script>
const show = (text) => { document.getElementById("answer").textContent = text + "\\nend"; };
fetch(%s + "/leadfit.v1.Scoring/Score", {
  method: "POST",
  headers: {"content-type": "application/json", "connect-protocol-version": "1"},
  body: JSON.stringify(%s),
}).then((reply) => reply.json()).then((reply) => show(reply.code ? reply.message
  : [reply.recommended, reply.outcome, reply.explanation[0]].join("\\n"))).catch((error) => show("refused: " + error));
</script>"""
BODY = {"/": json.load(open(sys.argv[1], encoding="utf-8")), "/bad": json.load(open(sys.argv[2], encoding="utf-8"))}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path not in BODY:
            self.send_error(404)
            return
        page = (PAGE % (json.dumps(url.query), json.dumps(BODY[url.path]))).encode()
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
