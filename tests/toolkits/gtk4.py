"""A text view of GTK 4 that writes what it holds to a file: gtk4.py FILE."""
import sys
from common import keep

import gi
gi.require_version("Gtk", "4.0")
from gi.repository import Gtk


def start(app):
    view = Gtk.TextView()
    buffer = view.get_buffer()
    buffer.connect("changed", lambda b: keep(sys.argv[1], b.get_text(*b.get_bounds(), True)))
    window = Gtk.ApplicationWindow(application=app, title="gtk4", default_width=600, default_height=400, child=view)
    window.present()
    view.grab_focus()
    keep(sys.argv[1], "")


app = Gtk.Application(application_id="test.typing.gtk4")
app.connect("activate", start)
app.run()
