"""What E2B's interpreter tells of plots and tables beside their pictures.  (A part of the runner,
see outputs.py.  A Python kernel runs this before the first code that wants it.)"""

CHARTS = r'''
import datetime, math, re, sys
from IPython import get_ipython

POINTS_MAX = 5000  # of one element
KINDS = (("Date", "datetime"), ("StrCategory", "categorical"))


def plain(value):
    """As JSON has it."""
    value = value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() and abs(value) < 1e15 else value
    return value if isinstance(value, (int, str, bool, type(None))) else str(value)


def points(xs, ys):
    return [[plain(x), plain(y)] for x, y in list(zip(xs, ys))[:POINTS_MAX]]


def scale(axis):
    converter = getattr(axis, "get_converter", lambda: getattr(axis, "converter", None))()
    for word, name in KINDS:
        if word in type(converter).__name__:
            return name
    return axis.get_scale()


def ticks(axis, kind, labels):
    if kind == "datetime":
        from matplotlib.dates import num2date
        return [num2date(at).isoformat() for at in axis.get_ticklocs()]
    return labels if kind == "categorical" else [plain(float(at)) for at in axis.get_ticklocs()]


def describe(ax):
    told = {}
    for name, axis in (("x", ax.xaxis), ("y", ax.yaxis)):
        label = axis.get_label_text() or None
        unit = re.search(r"\(([^()]*)\)\s*$", label or "")
        kind = scale(axis)
        labels = [text.get_text() for text in axis.get_ticklabels()]
        told.update({name + "_label": label, name + "_unit": unit and unit.group(1),
                     name + "_scale": kind, name + "_ticks": ticks(axis, kind, labels),
                     name + "_tick_labels": labels})
    return told


def label_at(axis, at):
    for place, text in zip(axis.get_ticklocs(), axis.get_ticklabels()):
        if abs(place - at) < 1e-6 and text.get_text():
            return text.get_text()
    return str(plain(float(at)))


def pies(ax):
    return [{"label": w.get_label(), "angle": plain(round(abs(w.theta2 - w.theta1), 3)),
             "radius": plain(float(w.r))} for w in ax.patches if type(w).__name__ == "Wedge"]


def bars(ax):
    told = []
    for group in ax.containers:
        if type(group).__name__ != "BarContainer":
            continue
        lying = getattr(group, "orientation", "vertical") == "horizontal"
        for bar in group.patches:
            axis, at = ((ax.yaxis, bar.get_y() + bar.get_height() / 2) if lying else
                        (ax.xaxis, bar.get_x() + bar.get_width() / 2))
            told.append({"label": label_at(axis, at), "group": group.get_label(),
                         "value": plain(bar.get_width() if lying else bar.get_height())})
    return told


def boxes(ax):
    """The whiskers of a box are two vertical lines at one place, its median a horizontal one."""
    places = {}
    for line in ax.lines:
        xs = [float(x) for x in line.get_xdata(False)]
        ys = [float(y) for y in line.get_ydata(False)]
        if line.get_linestyle() == "None":
            if len(set(xs)) == 1:
                places.setdefault(xs[0], [[], [], []])[2] += ys
        elif len(xs) == 2 and xs[0] == xs[1]:
            places.setdefault(xs[0], [[], [], []])[0].append(sorted(ys))
        elif len(xs) == 2 and ys[0] == ys[1]:
            places.setdefault(sum(xs) / 2, [[], [], []])[1].append((abs(xs[1] - xs[0]), ys[0]))
    told = []
    for at, (whiskers, across, outliers) in sorted(places.items()):
        if len(whiskers) != 2 or not across:
            return []
        (least, first), (third, most) = sorted(whiskers)
        inside = [(width, y) for width, y in across if first <= y <= third]
        if not inside:
            return []
        told.append({"label": label_at(ax.xaxis, at), "min": plain(least),
                     "first_quartile": plain(first), "median": plain(max(inside)[1]),
                     "third_quartile": plain(third), "max": plain(most),
                     "outliers": [plain(y) for y in outliers]})
    return told


def lines(ax):
    return [{"label": line.get_label(), "points": points(line.get_xdata(), line.get_ydata())}
            for line in ax.lines]


def dots(ax):
    return [{"label": c.get_label(), "points": points(*c.get_offsets().T)}
            for c in ax.collections if type(c).__name__ == "PathCollection"]


READERS = (("pie", pies), ("bar", bars), ("box_and_whisker", boxes), ("line", lines),
           ("scatter", dots))


def chart_of(ax):
    told = {"type": "unknown", "title": ax.get_title() or None, "elements": []}
    for name, read in READERS:
        elements = read(ax)
        if elements:
            told.update(type=name, elements=elements)
            break
    return dict(told, **({} if told["type"] in ("pie", "unknown") else describe(ax)))


def tell_figure(figure):
    try:
        figure.canvas.draw()
        charts = [chart_of(ax) for ax in figure.axes]
        title = figure._suptitle and figure._suptitle.get_text()
    except Exception:  # the picture is shown anyway
        return {}
    chart = (charts[0] if len(charts) == 1 else
             {"type": "superchart", "title": title, "elements": charts})
    return {"e2b/chart": chart} if charts else {}


def tell_table(table):
    try:
        columns = table.head(POINTS_MAX).to_dict(orient="list")
        return {"e2b/data": {str(name): [plain(value) for value in column]
                             for name, column in columns.items()}}
    except Exception:
        return {}


tell = get_ipython().display_formatter.mimebundle_formatter
tell.for_type_by_name("matplotlib.figure", "Figure", tell_figure)
tell.for_type_by_name("pandas.core.frame", "DataFrame", tell_table)
'''
