#!/usr/bin/env python3
"""A text editor that writes what it holds to a file, whenever that changes: editor.py FILE."""
import os
import sys

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import GLib, Gtk


def main():
    path = sys.argv[1]
    view = Gtk.TextView()
    window = Gtk.Window(title="editor")
    window.set_default_size(600, 400)
    window.add(view)
    waiting = []

    def write():
        waiting.clear()
        start, end = view.get_buffer().get_bounds()
        with open(path + ".new", "w", encoding="utf-8", newline="") as out:
            out.write(view.get_buffer().get_text(start, end, True))
        os.replace(path + ".new", path)
        return False

    def later(*_):
        if not waiting:
            waiting.append(GLib.idle_add(write))

    view.get_buffer().connect("changed", later)
    # The file appears when keys would arrive.
    window.connect("focus-in-event", later)
    window.connect("destroy", Gtk.main_quit)
    window.show_all()
    Gtk.main()


main()
