"""GTK's VNC widget on a unix socket: gtk_vnc.py SOCKET NAME PASSWORD.  Ends when the server closes the connection."""
import socket
import sys

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("GtkVnc", "2.0")
from gi.repository import Gtk, GtkVnc  # noqa: E402

path, name, password = sys.argv[1:]
answers = {
    GtkVnc.DisplayCredential.USERNAME: name,
    GtkVnc.DisplayCredential.PASSWORD: password,
    GtkVnc.DisplayCredential.CLIENTNAME: "gtk-vnc",
}


def log_in(display, wanted):
    for credential in map(wanted.get_nth, range(wanted.n_values)):
        display.set_credential(credential, answers[credential])


def say(text):
    print(text, flush=True)


line = socket.socket(socket.AF_UNIX)
line.connect(path)
window = Gtk.Window(title="GTK VNC")
display = GtkVnc.Display()
display.set_keyboard_grab(False)
display.connect("vnc-auth-credential", log_in)
display.connect("vnc-initialized", lambda _: say("initialized"))
display.connect("vnc-error", lambda _, text: say(text))
display.connect("vnc-auth-failure", lambda _, text: say(text))
display.connect("vnc-disconnected", Gtk.main_quit)
window.add(display)
window.show_all()
display.open_fd(line.detach())
Gtk.main()
