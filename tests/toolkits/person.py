"""A person at a VNC viewer: logs in to a stream with control, and types as viewers do."""
import re
import socket
import struct


def keysym(char):
    code = ord(char)
    return 0xff0d if char == "\n" else code if code < 0x100 else 0x1000000 | code


class Person:
    """address: a unix socket of `--vnc`; link: as stream_url gives it."""

    def __init__(self, address, link):
        name, ticket = re.search(r"/s/([^/]+)/#([\w-]+)", link).groups()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(address)
        self.login(name.encode(), ticket.encode())

    def take(self, size):
        got = b""
        while len(got) < size:
            part = self.socket.recv(size - len(got))
            if not part:
                raise OSError("the viewer's connection ended")
            got += part
        return got

    def login(self, name, ticket):
        self.take(12)
        self.socket.sendall(b"RFB 003.008\n")
        self.take(self.take(1)[0])
        self.socket.sendall(b"\x13")  # VeNCrypt
        self.take(2)
        self.socket.sendall(b"\0\2")
        self.take(1)
        self.take(4 * self.take(1)[0])
        self.socket.sendall(struct.pack(">III", 256, len(name), len(ticket)) + name + ticket)
        if self.take(4) != b"\0\0\0\0":
            raise OSError(self.take(struct.unpack(">I", self.take(4))[0]).decode())
        self.socket.sendall(b"\1")
        self.take(20)
        self.take(struct.unpack(">I", self.take(4))[0])

    def send(self, down, sym):
        self.socket.sendall(struct.pack(">BBHI", 4, down, 0, sym))

    def ask_for_control(self):
        """By the first key, which has no other effect."""
        self.press(0xffe1)
        self.release(0xffe1)

    def press(self, sym):
        self.send(1, sym)

    def release(self, sym):
        self.send(0, sym)

    def type(self, text):
        """All at once, as an input method or an emoji picker does."""
        for char in text:
            self.press(keysym(char))
            self.release(keysym(char))

    def close(self):
        self.socket.close()
