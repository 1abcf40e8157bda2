"""What the small programs share."""
import os


def keep(path, text):
    """Writes a whole file or none."""
    with open(path + ".new", "w", encoding="utf-8", newline="") as out:
        out.write(text)
    os.replace(path + ".new", path)
