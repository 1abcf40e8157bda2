"""A text box of Qt that writes what it holds to a file: qt.py FILE PyQt5|PyQt6."""
import importlib
import sys
from common import keep

widgets = importlib.import_module(sys.argv[2] + ".QtWidgets")
app = widgets.QApplication(sys.argv[:1])
box = widgets.QPlainTextEdit()
box.textChanged.connect(lambda: keep(sys.argv[1], box.toPlainText()))
window = widgets.QMainWindow()
window.setCentralWidget(box)
window.resize(600, 400)
window.show()
keep(sys.argv[1], "")
getattr(app, "exec", app.exec_ if hasattr(app, "exec_") else None)()
