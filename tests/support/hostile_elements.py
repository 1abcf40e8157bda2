#!/usr/bin/python3
"""A window whose elements lie: hostile_elements.py [ADDRESS].  ADDRESS: where it claims to
answer directly; `silent` is a socket that says nothing."""
import os
import socket
import sys

os.environ["NO_AT_BRIDGE"] = "1"
import gi  # noqa: E402

gi.require_version("Gtk", "3.0")
from gi.repository import Gio, GLib, Gtk  # noqa: E402

BASE = "/org/a11y/atspi/accessible/"
BOX = (0, 0, 300, 200)
SHOWN = [1 << 25 | 1 << 24 | 1 << 30 | 1 << 8, 0]
ADDRESS = sys.argv[1] if len(sys.argv) > 1 else ""
EVIL = "a\nb\x1b[31m\u202edcba\u2066 \"quoted\\"
# path: (role, name, children, count, box)
OBJECTS = {
    "root": (75, "hostile", ["win"], 1, BOX),
    "win": (23, "hostile window", ["loop", "long", "evil", "many", "far", "odd", "win", "gone", "last"], 9, BOX),
    "loop": (39, "loop", ["win", "loop"], 2, BOX),
    "long": (43, "x" * 1000000, [], 0, BOX),
    "evil": (43, EVIL, [], 0, BOX),
    "many": (38, "many", ["last"], 2**31 - 1, BOX),
    "far": (43, "far", [], 0, (-(2**31), 2**31 - 1, 2**31 - 1, 2**31 - 1)),
    "odd": (4000000000, "odd", [], -5, BOX),
    "last": (43, "last", [], 0, BOX),
}
XML = """<node><interface name='org.a11y.atspi.Accessible'>
<method name='GetRole'><arg type='u' direction='out'/></method>
<method name='GetState'><arg type='au' direction='out'/></method>
<method name='GetChildren'><arg type='a(so)' direction='out'/></method>
<method name='GetChildAtIndex'><arg type='i' direction='in'/><arg type='(so)' direction='out'/></method>
<property name='Name' type='s' access='read'/><property name='ChildCount' type='i' access='read'/>
</interface><interface name='org.a11y.atspi.Component'>
<method name='GetExtents'><arg type='u' direction='in'/><arg type='(iiii)' direction='out'/></method>
</interface><interface name='org.a11y.atspi.Application'>
<property name='ToolkitName' type='s' access='read'/><property name='Version' type='s' access='read'/>
<method name='GetApplicationBusAddress'><arg type='s' direction='out'/></method>
</interface></node>"""


def address_of(silent):
    return f"unix:path={silent.getsockname()}" if ADDRESS == "silent" else ADDRESS


def main():
    silent = socket.socket(socket.AF_UNIX)
    silent.bind(f"{os.environ['HOME']}/silent-{os.getpid()}")
    silent.listen()
    window = Gtk.Window(title="hostile window")
    window.set_default_size(300, 200)
    window.connect("destroy", Gtk.main_quit)
    session = Gio.bus_get_sync(Gio.BusType.SESSION)
    address = session.call_sync("org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus", "GetAddress", None, None, 0, -1, None).unpack()[0]
    flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
    bus = Gio.DBusConnection.new_for_address_sync(address, flags, None, None)
    me = bus.get_unique_name()

    def ref(name):
        return (me, BASE + name)

    def call(connection, sender, path, interface, method, args, invocation):
        role, _, children, _, box = OBJECTS[path[len(BASE):]] if path.startswith(BASE) else OBJECTS["root"]
        answer = {
            "GetRole": lambda: ("(u)", (role,)),
            "GetState": lambda: ("(au)", (SHOWN,)),
            "GetChildren": lambda: ("(a(so))", ([ref(c) for c in children],)),
            "GetChildAtIndex": lambda: ("((so))", (ref("last"),)),
            "GetExtents": lambda: ("((iiii))", (box,)),
            "GetApplicationBusAddress": lambda: ("(s)", (address_of(silent),)),
        }[method]()
        invocation.return_value(GLib.Variant(*answer))

    def get(connection, sender, path, interface, name):
        _, text, _, count, _ = OBJECTS[path[len(BASE):]]
        return {
            "Name": GLib.Variant("s", text),
            "ChildCount": GLib.Variant("i", count),
            "ToolkitName": GLib.Variant("s", "hostile"),
            "Version": GLib.Variant("s", "3.0"),
        }[name]

    node = Gio.DBusNodeInfo.new_for_xml(XML)
    for path in [BASE + name for name in OBJECTS]:
        for interface in node.interfaces:
            bus.register_object(path, interface, call, get, None)
    bus.call_sync("org.a11y.atspi.Registry", BASE + "root", "org.a11y.atspi.Socket", "Embed",
                  GLib.Variant("((so))", (ref("root"),)), None, 0, -1, None)
    window.show_all()
    Gtk.main()


main()
