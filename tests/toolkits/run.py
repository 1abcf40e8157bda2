"""
Types a dozen scripts on seven layouts, in one call and letter by letter, into real programs of each toolkit on a desktop
in namespaces, two at a time, and reads back what they hold; then selects by double and triple clicks:
run.py VITRINE [--person=window|desktop] [PROGRAM...].  Ends with "N passed, N failed".
With --person a viewer of the window, or of the desktop, types the scripts, in turns with the agent.
"""
import base64
import os
import re
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from mcp import Desktop
from person import Person

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = {
    "latin": "déjà vu: Größe, ñandú, Århus «ok»",
    "polish": "Zażółć gęślą JAŹŃ",
    "cyrillic": "Съешь же ещё этих мягких булок",
    "greek": "Καλημέρα κόσμε",
    "hebrew": "שלום עולם",
    "arabic": "مرحبا بالعالم",
    "devanagari": "नमस्ते दुनिया",
    "thai": "สวัสดีชาวโลก",
    "chinese": "视野无限广，窗外有蓝天",
    "japanese": "いろはにほへと漢字カナ",
    "korean": "다람쥐 헌 쳇바퀴에",
    "forms": "me＠home﹐﹑ ﺍﺏﹼ＠＠ﺊ",
    "emoji": "👍🏽 🇪🇺 𝔘𝔫𝔦 done",
}
LAYOUTS = ["us", "de", "fr", "ru", "us,ru", "gr", "jp"]
SOME = ["us", "de", "us,ru"]  # for people
FEW = ["us", "us,ru"]  # for programs that take long
SLOW = ["swing", "chromium", "firefox-esr", "webengine", "writer"]
STOPPED = {"swing": "java", "xterm": "xterm"}  # which answer no pings: their processes
ASCII = "\"The\" (quick) 100% @#[]{}|\\~ "
SEPARATOR = " / "
AT_ONCE = 4  # scripts: browsers cut long titles off
PATIENCE = 20
# What runs them, with FILE for where they write; None: a browser, whose page says it in its title.
PROGRAMS = {
    "gtk3": "python3 editor.py FILE",
    "gtk4": "python3 gtk4.py FILE",
    "qt5": "python3 qt.py FILE PyQt5",
    "qt6": "python3 qt.py FILE PyQt6",
    "tk": "python3 tk.py FILE",
    "swing": "java Swing.java FILE",
    "xterm": "xterm -e sh -c 'stty -icanon -echo; : > FILE; exec cat > FILE'",
    "writer": "env SAL_USE_VCLPLUGIN=gen /usr/bin/python3 writer.py FILE",
    "chromium": None,
    "firefox-esr": None,
    "webengine": "env QTWEBENGINE_DISABLE_SANDBOX=1 python3 webengine.py FILE /home/user/page.html",
}
# Emoji are refused: it keeps 16 bits of what a key gives, and would make another letter of each.
NOT_TAKEN = {"webengine": ["emoji"]}
NOT_FROM_A_PERSON = ["forms"]  # not pressed in programs with GTK 3, which would take them for dead keys and Compose
TREES = ["gtk3", "gtk4", "qt5", "qt6", "chromium", "firefox-esr"]  # which report their elements
SCALED = ["gtk3", "gtk4", "qt5", "qt6"]
WORD = "selectselectselect"  # so wide and so often that a click meets it whatever the font is
LINES = [f"{WORD} {i}" for i in range(9)]
SHOWN = {"xterm": "xterm -e sh -c 'cat lines; exec sleep 1000'"}  # which show nothing of what they were given
INTO = {"chromium": (60, 150), "firefox-esr": (60, 150), "writer": (330, 300)}  # from the window's corner
HOME = "/home/user"
CLIPPED = "untouched"
HAS_BUS = "dbus-send --session --print-reply=literal --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner string:org.a11y.Bus"
CORNER = "xwininfo -id $(xprop -root _NET_ACTIVE_WINDOW | sed 's/.*# //;s/,.*//') | sed -n 's/.*Absolute.*: *//p'"
TITLE = "xprop -id $(xprop -root _NET_ACTIVE_WINDOW | sed 's/.*# //;s/,.*//') -f _NET_WM_NAME 8u ' = $0\\n' _NET_WM_NAME"


class Program:
    """One of them, running on a desktop of its own."""

    def __init__(self, vitrine, name):
        self.name, self.command = name, PROGRAMS[name]
        self.socket = tempfile.mkdtemp() + "/vnc"
        self.desktop = Desktop(vitrine, "--vnc", "unix:" + self.socket, "--commands-during-takeover")
        self.held = ""
        self.copy_files()
        self.desktop.run(f"cd {HOME}; (setsid python3 clipboard.py {CLIPPED} >/dev/null 2>&1 </dev/null &)")
        self.desktop.run(f"until {HAS_BUS} | grep -q true; do sleep 0.1; done")  # that program of GTK starts it, if nobody has
        self.start()

    def start(self, argument=""):
        command = (self.command or f"{self.name} {argument} file://{HOME}/page.html").replace("FILE", HOME + "/got")
        self.desktop.run(f"cd {HOME}; (setsid {command} >log 2>&1 </dev/null &)")
        self.wait("", 90)
        time.sleep(2)  # the window has the focus; first-run pages come and go

    def copy_files(self):
        paths = [os.path.join(HERE, f) for f in os.listdir(HERE) if f.endswith((".py", ".java"))]
        for path in paths + [os.path.join(HERE, "../support", f) for f in ("editor.py", "page.html")]:
            with open(path, "rb") as file:
                data = base64.b64encode(file.read()).decode()
            self.desktop.run(f"echo {data} | base64 -d > {HOME}/{os.path.basename(path)}")

    def read(self):
        """What it holds; a browser only if the page was loaded once and no key was a command."""
        if self.command:
            got = self.desktop.run(f"[ -e {HOME}/got ] && printf '<' && cat {HOME}/got; printf '>'")
            return got[1:got.rindex(">")] if got.startswith("<") else "(no file)"
        title = self.desktop.run(TITLE)
        start, end = title.find("1/0/:"), title.rfind("|")
        if start < 0 or end < start:
            return "(title) " + title
        return title[start + 5:end].replace('\\"', '"').replace("\\\\", "\\")

    def wait(self, want, patience=PATIENCE):
        end = time.monotonic() + patience
        got = self.read()
        while got != want and time.monotonic() < end:
            time.sleep(0.1)
            got = self.read()
        return got

    def clear(self):
        if self.name == "xterm":
            self.held = self.read()
        else:
            self.desktop.call("key", text="ctrl+slash Delete" if self.name == "tk" else "ctrl+a Delete")
            self.wait("")

    def takes(self, what, parts):
        """One result for each script: whether it is there, whole, in its place."""
        self.clear()
        for part in parts:
            self.desktop.call("type", text=part)
        want = self.held + "".join(parts)
        got = self.wait(want)
        pairs = zip(want[len(self.held):].split(SEPARATOR), got[len(self.held):].split(SEPARATOR) + [""] * len(SCRIPTS))
        results = [w == g for w, g in pairs]
        if got != want:
            results[-1] = False
            print(f"FAILED {self.name} {what}: got {got!r}, want {want!r}", flush=True)
        return results

    def person(self, whole):
        """One who has control of the desktop, or of the window alone."""
        options = {} if whole else {"window": self.number()}
        link = self.desktop.call("stream_url", mode="control", **options)
        person = Person(self.socket, link)
        self.await_control("VNC viewer", person.ask_for_control)  # until then nothing that is typed counts
        return person

    def number(self):
        try:
            said = self.desktop.call("stream_url", mode="control", window=999999)
        except RuntimeError as error:
            said = str(error)
        return int(re.search(r"Windows: (\d+)", said).group(1))

    def await_control(self, holder, ask=lambda: None):
        end = time.monotonic() + PATIENCE
        while holder not in self.desktop.call("control_status"):
            if time.monotonic() > end:
                raise RuntimeError(f"no control for {holder}")
            ask()
            time.sleep(0.05)

    def takes_from_person(self, what, parts, whole):
        """The same as takes(); the agent types the first half of each text."""
        self.clear()
        held = self.held
        for part in parts:
            middle = len(part) // 2
            self.desktop.call("type", text=part[:middle])
            held += part[:middle]
            self.wait(held)
            person = self.person(whole)
            person.type(part[middle:])
            held += part[middle:]
            got = self.wait(held)
            person.close()
            self.await_control("You have")
            if got != held:
                print(f"FAILED {self.name} {what}: got {got[-len(part):]!r}, want {part!r}", flush=True)
                return [False]
        return [True] * len(parts)

    def clipped(self):
        return self.desktop.run(f"python3 {HOME}/clipboard.py 2>/dev/null").strip()

    def wait_selected(self, fits):
        end = time.monotonic() + PATIENCE
        while not fits(got := self.desktop.run(f"python3 {HOME}/clipboard.py --selection 2>/dev/null")):
            if time.monotonic() > end:
                return got
            time.sleep(0.1)
        return None

    def selects(self):
        """The word and the line below a double and a triple click."""
        if self.name in SHOWN:
            self.desktop.run(f"cd {HOME}; echo '" + "\n".join(LINES) + "' > lines")
            self.desktop.run(f"cd {HOME}; (setsid {SHOWN[self.name]} >/dev/null 2>&1 </dev/null &)")
            time.sleep(2)
        else:
            self.clear()
            self.desktop.call("type", text="\n".join(LINES))
            self.wait("\n".join(LINES))
        left, top = [int(n) for n in self.desktop.run(CORNER).split()]
        right, down = INTO.get(self.name, (40, 70))
        results = []
        for tool, fits in (("double_click", lambda got: got == WORD), ("triple_click", lambda got: got.rstrip("\n") in LINES)):
            self.desktop.call(tool, coordinate=[left + right, top + down])
            got = self.wait_selected(fits)
            if got == "" and self.name == "webengine":  # it ignored its first double click one time in seven; why is not known
                print(f"NOTE {self.name}: the first {tool} selected nothing", flush=True)
                self.desktop.call(tool, coordinate=[left + right, top + down])
                got = self.wait_selected(fits)
            results.append(got is None)
            if got is not None:
                print(f"FAILED {self.name}: {tool} selects {got!r}", flush=True)
        return results

    def tree(self):
        try:
            return self.desktop.call("ui_tree", limit=200)
        except RuntimeError as error:
            return str(error)

    def shows_elements(self):
        """What was typed is in the tree; a browser is started as the answer says."""
        argument = re.search(r"argument (--[\w-]+)", self.tree()) if not self.command else None
        if argument:
            self.desktop.run(f"pkill -f /{self.name}; while pgrep -f /{self.name} >/dev/null; do sleep 0.1; done")
            while not self.read().startswith("(title)"):  # its window may be there for a moment
                time.sleep(0.1)
            self.start(argument.group(1))
        self.clear()
        self.desktop.call("type", text="in the tree")
        end = time.monotonic() + PATIENCE
        while '= "in the tree"' not in (got := self.tree()):
            if time.monotonic() > end:
                print(f"FAILED {self.name}: not in the tree: {got}", flush=True)
                return False
            time.sleep(0.2)
        return True

    def width_at(self, scale):
        """Of its window, when it is started with this scale."""
        self.desktop.run(f"pkill -f '{HOME}/got'; rm -f {HOME}/got; while pgrep -f '{HOME}/got' >/dev/null; do sleep 0.1; done")
        self.desktop.call("display_set", scale=scale)
        self.start()
        return int(re.search(r"(\d+)x\d+", self.desktop.call("window_list")).group(1))

    def is_scaled(self):
        small, large = self.width_at(100), self.width_at(200)
        if not 1.9 < large / small < 2.1:
            print(f"FAILED {self.name}: its window is {large} pixels wide at twice the size, {small} before", flush=True)
        return 1.9 < large / small < 2.1

    def refuses(self, text):
        """Before the first key."""
        self.clear()
        try:
            said = self.desktop.call("type", text=ASCII + text)
        except RuntimeError as error:
            said = str(error)
        self.desktop.call("type", text="end")
        got = self.wait("end")
        good = got == "end" and "nothing was typed" in said
        if not good:
            print(f"FAILED {self.name}: {text!r} is not refused: got {got!r}, said {said!r}", flush=True)
        return good


def check(program):
    """All scripts in one call on each layout, letter by letter on one, and the clipboard at the end."""
    scripts = [text for name, text in SCRIPTS.items() if name not in NOT_TAKEN.get(program.name, [])]
    texts = [ASCII + part for part in scripts]
    results = []
    for layout in FEW if program.name in SLOW else LAYOUTS:
        program.desktop.run(f"setxkbmap '{layout}'")
        for at in range(0, len(texts), AT_ONCE):
            results += program.takes(layout, [SEPARATOR.join(texts[at:at + AT_ONCE])])
    program.desktop.run("setxkbmap us,ru")
    step = 2 * AT_ONCE if program.name in SLOW else AT_ONCE
    for at in range(0, len(scripts), step):
        results += program.takes("letter by letter", list(SEPARATOR.join(scripts[at:at + 2])))
    if program.name in NOT_TAKEN:
        results.append(program.refuses(SCRIPTS["emoji"]))
    if program.name in STOPPED:
        stop = "p=$(pidof -s " + STOPPED[program.name] + "); kill -STOP $p; sleep 1.5; kill -CONT $p"
        program.desktop.run(f"(setsid sh -c '{stop}' >/dev/null 2>&1 </dev/null &)")
        results += program.takes("while it is stopped", [SEPARATOR.join(texts[:AT_ONCE])])
    program.desktop.run("setxkbmap us")
    results += program.selects()
    clipped = program.clipped()
    if clipped != CLIPPED:
        print(f"FAILED {program.name}: the clipboard holds {clipped!r}", flush=True)
    results.append(clipped == CLIPPED)
    results += [program.shows_elements()] if program.name in TREES else []
    return results + ([program.is_scaled()] if program.name in SCALED else [])


def check_person(program, whole):
    results = []
    for layout in FEW if program.name in SLOW else SOME:
        program.desktop.run(f"setxkbmap '{layout}'")
        for name, text in SCRIPTS.items():
            if name not in NOT_TAKEN.get(program.name, []) + NOT_FROM_A_PERSON:
                results += program.takes_from_person(f"{layout} from a person", [ASCII + text + text[::-1]], whole)
    return results


def run(vitrine, name, person):
    program, began = None, time.monotonic()
    try:
        program = Program(vitrine, name)
        results = check_person(program, person == "desktop") if person else check(program)
    except (RuntimeError, OSError) as error:
        print(f"FAILED {name}: {error}", flush=True)
        results = [False]
    if program:
        program.desktop.close()
    print(f"{name}: {sum(results)} of {len(results)} ({time.monotonic() - began:.0f} s)", flush=True)
    return results


def main():
    vitrine, names = sys.argv[1], [name for name in sys.argv[2:] if not name.startswith("--")] or list(PROGRAMS)
    person = next((option.removeprefix("--person=") for option in sys.argv if option.startswith("--person=")), None)
    with ThreadPoolExecutor(2) as two:
        results = [good for one in two.map(lambda name: run(vitrine, name, person), names) for good in one]
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return not all(results)


sys.exit(main())
