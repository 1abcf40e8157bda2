"""A text box of Tk that writes what it holds to a file: tk.py FILE."""
import sys
import tkinter
from common import keep

root = tkinter.Tk()
box = tkinter.Text(root)
box.pack()
box.focus_force()


def changed(_):
    if box.edit_modified():
        keep(sys.argv[1], box.get("1.0", "end-1c"))
        box.edit_modified(False)


box.bind("<<Modified>>", changed)
keep(sys.argv[1], "")
root.mainloop()
