"""The browsers' page in a window of QtWebEngine, which writes what the page's text box holds to a file: webengine.py FILE PAGE."""
import sys
from common import keep

from PyQt5.QtCore import QUrl
from PyQt5.QtWidgets import QApplication
from PyQt5.QtWebEngineWidgets import QWebEngineView


def show(title):
    """The page says in its title how often it was loaded, pastes and keys that were commands, then the text."""
    if title.startswith("1/0/:"):
        keep(sys.argv[1], title[5:title.rindex("|")] if "|" in title else "(cut off) " + title)
    elif "/" in title:
        keep(sys.argv[1], "(title) " + title)


app = QApplication(sys.argv[:1])
view = QWebEngineView()
view.titleChanged.connect(show)
view.load(QUrl.fromLocalFile(sys.argv[2]))
view.loadFinished.connect(lambda _: view.setFocus())
view.resize(900, 600)
view.show()
app.exec_()
