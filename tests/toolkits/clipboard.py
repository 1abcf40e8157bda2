"""Owns the clipboard with a text of its own, or prints what it, or the selection, holds: clipboard.py [TEXT|--selection]."""
import sys

import gi
gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, Gtk

selected = sys.argv[1:] == ["--selection"]
clipboard = Gtk.Clipboard.get(Gdk.SELECTION_PRIMARY if selected else Gdk.SELECTION_CLIPBOARD)
if len(sys.argv) > 1 and not selected:
    clipboard.set_text(sys.argv[1], -1)
    Gtk.main()
else:
    print(clipboard.wait_for_text() or "", end="")
