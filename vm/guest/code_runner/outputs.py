"""Runs code in Jupyter kernels, inside a sandbox.

Requests come as JSON, one a line, on stdin.  Answers go to stdout: the id of the request, a space,
JSON, so a reader finds its own lines without parsing the others, and may begin in the middle.  The
host may be gone at any time (a pause, a fork, another server), so nothing here depends on it: each
run has its timeout here, and what it prints is bounded here, because the kernel's outputs must be
read at any speed.  A kernel whose reader is slow drops messages.

The runner is one program: the host joins outputs.py, kernel.py and runner.py.
"""

import asyncio
import base64
import fcntl
import importlib.util
import io
import json
import os
import re
import shlex
import sys
import threading
import time

EXIT_MISSING = 69  # no jupyter_client or no kernel program
EXIT_OTHER = 75  # another runner has the directory
DIRECTORY = "/tmp/.vitrine-code-%d" % os.getuid()
USED = os.path.join(DIRECTORY, "used")  # a runner had contexts
CONTEXTS_MAX = 16
REQUESTS_MAX = 64
LINE_MAX = 1 << 20  # of a request
START_S = 240  # of a kernel; an emulated one takes 30
BEGIN_S = 0.1
INTERRUPT_S = 5  # until one that ignores the interrupt is killed
SETTLE_S = 5  # from the reply to the last output, or the other way round
ALIVE_S = 5
PIECE = 32 << 10  # characters of a stream in one line
STREAM_HEAD = 1 << 20  # characters of each stream of a run that are told at once
STREAM_TAIL = 16 << 10  # and of its end
RESULTS_MAX = 200
RESULT_BYTES = 2 << 20  # of one result
RESULTS_BYTES = 16 << 20  # of all of a run
IMAGE_SOURCE_MAX = 32 << 20  # base64 of an image that is made smaller
IMAGE_BYTES = 3 << 19  # base64
IMAGE_SIDE = 8000
IMAGES = ("image/png", "image/jpeg")
TEXT_MAX = 256 << 10
KINDS = ("text/plain", "text/html", "text/markdown", "text/latex", "image/svg+xml", "image/png",
         "image/jpeg", "application/json", "application/javascript", "application/pdf",
         "e2b/chart", "e2b/data")
OBJECTS = ("application/json", "e2b/chart", "e2b/data")
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
ALIASES = {"py": "python", "python3": "python", "js": "javascript", "ts": "typescript",
           "sh": "bash", "shell": "bash"}

# How a language sets a variable of its environment, and removes it.
VARIABLES = {
    "python": (lambda name, value: "__import__('os').environ[%r] = %r" % (name, value),
               lambda name: "__import__('os').environ.pop(%r, None)" % name),
    "javascript": (lambda name, value: "process.env[%s] = %s" % (quote(name), quote(value)),
                   lambda name: "delete process.env[%s]" % quote(name)),
    "r": (lambda name, value: "Sys.setenv(%s = %s)" % (quote(name), quote(value)),
          lambda name: "Sys.unsetenv(%s)" % quote(name)),
    "java": (lambda name, value: "System.setProperty(%s, %s);" % (quote(name), quote(value)),
             lambda name: "System.clearProperty(%s);" % quote(name)),
    "bash": (lambda name, value: "export %s=%s" % (name, shlex.quote(value)),
             lambda name: "unset %s" % name),
}
VARIABLES["typescript"] = VARIABLES["javascript"]
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Failure(Exception):
    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


def settle(future, value=None):
    if not future.done():
        future.set_result(value)


def cut(text, size=4000):
    return text if len(text) <= size else text[:size - 4] + " ..."


# ---- what kernels show ----

def quote(text):
    return json.dumps(text, ensure_ascii=False)


def encode(value):
    return json.dumps(value, ensure_ascii=False).encode(errors="replace")


def text_of(value):
    """Without NUL, which the host's texts cannot have."""
    if isinstance(value, list):
        value = "".join(map(str, value))
    return (value if isinstance(value, str) else str(value)).replace("\0", "\ufffd")


def size_of(text):
    return len(text.encode(errors="replace"))


def image_side(kind, data):
    """The larger side of a PNG; 0: unknown."""
    head = base64.b64decode(data[:32])
    if kind != "image/png" or len(head) < 24:
        return 0
    return max(int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big"))


def shrink_image(data, limit, side):
    """As (kind, base64) within the limits, or None.  Pillow comes with matplotlib."""
    from PIL import Image
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    image.load()
    for smaller_side in (1568, 1024, 640, 320):
        smaller = image.copy()
        smaller.thumbnail((min(side, smaller_side), min(side, smaller_side)))
        for kind, options in (("PNG", {"optimize": True}), ("JPEG", {"quality": 80})):
            out = io.BytesIO()
            smaller.convert("RGB" if kind == "JPEG" else "RGBA").save(out, kind, **options)
            if out.tell() * 4 // 3 + 4 <= limit:
                return "image/" + kind.lower(), base64.b64encode(out.getvalue()).decode()
    return None


def bound_image(kind, value, limit, side):
    """(kind, base64), smaller if necessary, or None."""
    try:
        value = value.replace("\n", "")
        if len(value) <= limit and image_side(kind, value) <= side:
            return kind, value
        return shrink_image(value, limit, side) if len(value) <= IMAGE_SOURCE_MAX else None
    except Exception:  # without Pillow, or no image
        return None


def bound_data(data, limit, side):
    """The representations that may be told, and the sizes of those that are too large."""
    kept, omitted, total = {}, {}, 0
    for kind in KINDS:
        if data.get(kind) is None:
            continue
        value = text_of(json.dumps(data[kind], ensure_ascii=False) if kind in OBJECTS
                        else data[kind])
        size = size_of(value)
        if kind in IMAGES:
            as_kind, value = bound_image(kind, value, limit, side) or (kind, None)
        else:
            as_kind = kind
            if kind == "text/plain" and size > TEXT_MAX:
                value = value[:TEXT_MAX // 4]
            elif size > TEXT_MAX:
                value = None
        if value is None or total + size_of(value) > RESULT_BYTES:
            omitted[kind] = size
        else:
            kept[as_kind] = value
            total += size_of(value)
    return kept, omitted


class Stream:
    """One output of a run: its beginning is told at once, then its end."""

    def __init__(self, tell, name):
        self.tell, self.name = tell, name
        self.left = STREAM_HEAD
        self.tail = ""
        self.omitted = 0

    def add(self, text):
        text = text_of(text)
        now, rest = text[:self.left], text[self.left:]
        self.left -= len(now)
        for at in range(0, len(now), PIECE):
            self.tell("stream", name=self.name, text=now[at:at + PIECE])
        if rest:
            self.omitted += max(0, len(self.tail) + len(rest) - STREAM_TAIL)
            self.tail = (self.tail + rest[-STREAM_TAIL:])[-STREAM_TAIL:]

    def finish(self):
        if self.tail:
            self.tell("stream", name=self.name, text=self.tail, omitted=self.omitted)


class Run:
    """One execution, from its request to its end."""

    def __init__(self, request, tell):
        self.tell = tell
        self.code = request["code"]
        self.timeout = request.get("timeout_ms", 0) / 1000 or None
        self.image_bytes = min(request.get("image_bytes") or IMAGE_BYTES, IMAGE_BYTES)
        self.image_side = min(request.get("image_side") or IMAGE_SIDE, IMAGE_SIDE)
        self.streams = {name: Stream(tell, name) for name in ("stdout", "stderr")}
        self.results = self.bytes = 0
        self.message = None  # the id of its message to the kernel
        loop = asyncio.get_running_loop()
        self.begun = loop.create_future()  # the kernel runs it; it ignores earlier interrupts
        self.replied = loop.create_future()
        self.idle = loop.create_future()  # without a reply, if it was interrupted at its start
        self.cancelled = loop.create_future()
        self.status = None
        self.environment = request.get("environment") or {}
        self.charts = request.get("charts")

    def variables(self, language, begins):
        """The statements that set the variables of this run, or set back those of the sandbox."""
        if not self.environment:
            return None
        if language not in VARIABLES:
            raise Failure("unsupported", "the language '%s' has no variables of a run" % language)
        put, remove = VARIABLES[language]
        lines = []
        for name, value in self.environment.items():
            if not VARIABLE.fullmatch(name):
                raise Failure("argument", "a variable cannot have the name '%s'" % cut(name, 100))
            value = value if begins else os.environ.get(name)
            lines.append(remove(name) if value is None else put(name, value))
        return "\n".join(lines)

    def on_output(self, kind, content):
        if kind == "stream":
            self.streams["stderr" if content["name"] == "stderr" else "stdout"].add(content["text"])
        elif kind in ("display_data", "execute_result", "update_display_data"):
            self.on_result(content["data"], kind == "execute_result")
        elif kind == "execute_input":
            settle(self.begun)
        elif kind == "clear_output":
            self.tell("clear")
        elif kind == "error":
            self.on_error(content)
        elif kind == "status" and content["execution_state"] == "idle":
            settle(self.idle)

    def on_result(self, data, main):
        kept, omitted = bound_data(data, self.image_bytes, self.image_side)
        self.results += 1
        self.bytes += sum(map(size_of, kept.values()))
        if self.results > RESULTS_MAX or self.bytes > RESULTS_BYTES:
            kept, omitted = {}, {kind: size_of(text_of(value)) for kind, value in data.items()
                                 if kind in KINDS}
        if self.results <= 2 * RESULTS_MAX:
            self.tell("result", data=kept, too_large=omitted, main=main)

    def on_error(self, content):
        self.status = self.status or "error"
        trace = ANSI.sub("", text_of("\n".join(content.get("traceback") or [])))
        if len(trace) > PIECE:
            trace = trace[:PIECE // 2] + "\n...\n" + trace[-PIECE // 2:]
        self.tell("error", name=cut(text_of(content.get("ename", ""))),
                  value=cut(ANSI.sub("", text_of(content.get("evalue", "")))), traceback=trace)

    def finish(self):
        for stream in self.streams.values():
            stream.finish()
