"""Serves a form, an upload and a download on loopback, and writes down what arrived: server.py PORT FOLDER."""
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

FOLDER = sys.argv[2]
PAGES = {
    "/form": """<title>Form</title><form method=post action=/submit>
        <p><input name=name autofocus> <p><label><input type=checkbox name=news value=yes> News</label>
        <p><select name=colour><option>red<option>green<option>blue</select> <p><button>Send</button></form>""",
    "/upload": """<title>Upload</title><form method=post action=/uploaded enctype=multipart/form-data>
        <p><input type=file name=file autofocus> <p><button>Send</button></form>""",
    "/download": "<title>Download</title><a href=/report.csv download autofocus>The report</a>",
}


class Handler(BaseHTTPRequestHandler):
    def answer(self, body, kind="text/html; charset=utf-8"):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body.encode())

    def do_GET(self):
        if self.path == "/report.csv":
            self.answer("month,sum\nMay,42\n", "text/csv")
        else:
            self.answer("<meta charset=utf-8>" + PAGES.get(self.path, "<title>Nothing here</title>"))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        name = self.path[1:]
        if name == "submit":
            body = json.dumps(parse_qs(body.decode()), ensure_ascii=False, sort_keys=True).encode()
        with open(os.path.join(FOLDER, name), "wb") as out:
            out.write(body)
        self.answer("<meta charset=utf-8><title>Thank you</title>Thank you")


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
