"""LibreOffice Writer, which corrects nothing by itself, and what its document holds in a file: writer.py FILE."""
import os
import subprocess
import sys
import time
from common import keep

import uno

PROFILE = "/home/user/office"
OFF = {
    "Office.Common/AutoCorrect": ["CapitalAtStartSentence", "TwoCapitalsAtStart", "CorrectAccidentalCapsLock",
        "ReplaceSingleQuote", "ReplaceDoubleQuote", "UseReplacementTable", "ChangeDash", "ChangeOrdinalNumber",
        "ChangeUnderlineWeight", "SetInetAttribute", "AddNonBrkSpace", "RemoveDoubleSpaces"],
    "Office.Writer/AutoFunction/Format/Option": ["UseReplacementTable", "CapitalAtStartSentence", "TwoCapitalsAtStart",
        "ChangeUnderlineWeight", "SetInetAttribute", "ChangeOrdinalNumber", "ChangeDash", "AddNonBrkSpace"],
    "Office.Writer/AutoFunction/Completion": ["Enable"],
    "Office.Writer/AutoFunction/Format/ByInput": ["Enable"],
    "Office.Common/Misc": ["FirstRun", "ShowTipOfTheDay"],
}


def make_profile():
    os.makedirs(PROFILE + "/user", exist_ok=True)
    items = "".join(f'<item oor:path="/org.openoffice.{path}"><prop oor:name="{name}" oor:op="fuse"><value>false</value>'
        "</prop></item>" for path, names in OFF.items() for name in names)
    with open(PROFILE + "/user/registrymodifications.xcu", "w") as out:
        out.write('<?xml version="1.0" encoding="UTF-8"?><oor:items xmlns:oor="http://openoffice.org/2001/registry" '
            'xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
            f"{items}</oor:items>")


def connect():
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstance("com.sun.star.bridge.UnoUrlResolver")
    while True:
        try:
            context = resolver.resolve("uno:pipe,name=typing;urp;StarOffice.ComponentContext")
            return context.ServiceManager.createInstance("com.sun.star.frame.Desktop")
        except uno.getClass("com.sun.star.connection.NoConnectException"):
            time.sleep(0.2)


make_profile()
subprocess.Popen(["soffice", f"-env:UserInstallation=file://{PROFILE}", "--norestore", "--nologo",
    "--accept=pipe,name=typing;urp", "--writer"])
desktop, held = connect(), None
while True:
    document = desktop.getCurrentComponent()
    text = document.Text.String if document else held
    if text != held:
        keep(sys.argv[1], text)
    held = text
    time.sleep(0.1)
