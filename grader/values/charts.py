"""Describes charts as plain data, and draws them again from it."""

import sys

from grader.values.containers import reads_later

MOST_AXES, MOST_ARTISTS, MOST_POINTS = 50, 5_000, 500_000
_SCALES = {"linear", "log", "symlog", "logit", "asinh"}


def describe(value) -> tuple | None:
    """Return a matplotlib figure or its axes as plain data, or None for anything else, or for one
    that is too large.

    Args:
        value: any value; axes are described by their figure and their place in it, so that both
            stay together.
    """
    figure = sys.modules.get("matplotlib.figure")
    axes = sys.modules.get("matplotlib.axes")
    if figure is None or axes is None:
        return None
    if isinstance(value, figure.Figure) and len(value.axes) <= MOST_AXES:
        pictures = [_axes(each) for each in value.axes]
        return None if None in pictures else ("figure", _text(value.get_suptitle()), pictures)
    if isinstance(value, axes.Axes) and value.figure is not None and value in value.figure.axes:
        return ("axes", value.figure, value.figure.axes.index(value))
    return None


def _axes(axes) -> dict | None:
    from matplotlib import collections, patches
    from matplotlib.container import BarContainer

    rectangles = [patch for patch in axes.patches if isinstance(patch, patches.Rectangle)]
    wedges = [patch for patch in axes.patches if isinstance(patch, patches.Wedge)]
    points = [each for each in axes.collections if isinstance(each, collections.PathCollection)]
    if (
        len(rectangles) + len(wedges) + len(axes.lines) + len(points) + len(axes.texts)
        > MOST_ARTISTS
    ):
        return None
    drawn = [*(line.get_xdata() for line in axes.lines), *(each.get_offsets() for each in points)]
    if sum(map(len, drawn)) > MOST_POINTS or not {axes.get_xscale(), axes.get_yscale()} <= _SCALES:
        return None
    places = {id(bar): place for place, bar in enumerate(rectangles)}
    legend = axes.get_legend()
    return {
        "title": [_text(axes.get_title(loc=side)) for side in ("left", "center", "right")],
        "labels": [_text(axes.get_xlabel()), _text(axes.get_ylabel())],
        "scales": [_text(axes.get_xscale()), _text(axes.get_yscale())],
        "limits": [_numbers(axes.get_xlim()), _numbers(axes.get_ylim())],
        "ticks": [_ticks(axis) for axis in (axes.xaxis, axes.yaxis)],
        "lines": [
            [
                _data(line.get_xdata()),
                _data(line.get_ydata()),
                _text(line.get_label()),
                _text(line.get_linestyle()),
                _marker(line.get_marker()),
                _color(line.get_color()),
            ]
            for line in axes.lines
        ],
        "bars": [
            [
                _numbers([bar.get_x(), bar.get_y(), bar.get_width(), bar.get_height()]),
                _text(bar.get_label()),
                _color(bar.get_facecolor()),
            ]
            for bar in rectangles
        ],
        "containers": [
            [
                _text(each.get_label()),
                [places[id(bar)] for bar in each if id(bar) in places]
                if isinstance(each, BarContainer)
                else None,
            ]
            for each in axes.containers
        ],
        "wedges": [
            [
                _numbers([*each.center, each.r, each.theta1, each.theta2]),
                _text(each.get_label()),
                _color(each.get_facecolor()),
            ]
            for each in wedges
        ],
        "points": [[_data(each.get_offsets()), _text(each.get_label())] for each in points],
        "texts": [[*_place(text), _text(text.get_text())] for text in axes.texts],
        "legend": None
        if legend is None
        else [
            _text(legend.get_title().get_text()),
            [_text(text.get_text()) for text in legend.get_texts()],
        ],
    }


def _ticks(axis) -> list:
    """Return the places and labels of an axis's ticks; a label that cannot be worked out is
    empty."""
    places = _numbers(axis.get_ticklocs())
    try:
        labels = [_text(label.get_text()) for label in axis.get_ticklabels()]
    except Exception:  # such as a formatter of the learner's that fails
        labels = []
    return [places, labels if len(labels) == len(places) else [""] * len(places)]


def _place(text) -> tuple:
    """Return where a text stands, in the axes' own units (numbers, dates, names of categories), and
    what it points at."""
    return (*text.get_position(), tuple(text.xy) if hasattr(text, "xy") else None)


def draw(kind: str, *parts):
    """Return the figure, or the axes, that a description tells of; the inverse of ``describe`` for
    what it tells."""
    if kind == "axes":
        figure, number = parts
        return figure.axes[number]
    from matplotlib.figure import Figure

    title, pictures = parts
    figure = Figure()
    if title:
        figure.suptitle(title)
    for at, picture in enumerate(pictures):
        _draw_axes(figure.add_axes((0, at, 1, 1)), picture)
    return figure


def _draw_axes(axes, picture: dict) -> None:
    from matplotlib.container import BarContainer, Container
    from matplotlib.patches import Rectangle, Wedge

    for side, text in zip(("left", "center", "right"), picture["title"], strict=True):
        axes.set_title(text, loc=side)
    axes.set_xlabel(picture["labels"][0])
    axes.set_ylabel(picture["labels"][1])
    for x, y, label, style, marker, color in picture["lines"]:
        axes.plot(_given(x), _given(y), label=label, linestyle=style, marker=marker, color=color)
    bars = []
    for (x, y, width, height), label, color in picture["bars"]:
        bars.append(axes.add_patch(Rectangle((x, y), width, height, label=label, facecolor=color)))
    for label, members in picture["containers"]:
        axes.add_container(
            Container((), label=label)
            if members is None  # of something else than bars
            else BarContainer([bars[number] for number in members], label=label)
        )
    for (x, y, radius, first, last), label, color in picture["wedges"]:
        axes.add_patch(Wedge((x, y), radius, first, last, label=label, facecolor=color))
    for offsets, label in picture["points"]:
        offsets = _given(offsets)
        axes.scatter(offsets[:, 0], offsets[:, 1], label=label)
    for x, y, target, text in picture["texts"]:
        if target is None:
            axes.text(x, y, text)
        else:
            axes.annotate(text, target, (x, y))
    if picture["legend"] is not None:
        _draw_legend(axes, *picture["legend"])
    axes.set_xscale(picture["scales"][0])
    axes.set_yscale(picture["scales"][1])
    for axis, (places, labels) in zip((axes.xaxis, axes.yaxis), picture["ticks"], strict=True):
        axis.set_ticks(places, labels)
    axes.viewLim.intervalx, axes.viewLim.intervaly = picture[
        "limits"
    ]  # as they were, even 0 on a logarithmic scale


def _draw_legend(axes, title: str, texts: list[str]) -> None:
    from matplotlib.legend import Legend
    from matplotlib.lines import Line2D

    axes.legend_ = Legend(
        axes, [Line2D([], []) for _ in texts], texts, title=title or None
    )  # it may have no text


def _text(value) -> str:
    return str(value)[:2000]


def _numbers(values) -> list[float]:
    return [float(value) for value in values]


def _data(values):
    """Return what was drawn as it was given: numbers, dates, names of categories; of an array with
    gaps, both parts."""
    import numpy as np

    return (
        {"data": values.data, "gaps": np.ma.getmaskarray(values)}
        if np.ma.isMaskedArray(values)
        else values
    )


def _given(data):
    """Return what ``_data`` was told of."""
    import numpy as np

    return np.ma.array(data["data"], mask=data["gaps"]) if type(data) is dict else data


def _marker(marker):
    """Return a line's marker; one that is a drawing of its own becomes the plainest."""
    plain = isinstance(marker, (str, int)) or (
        isinstance(marker, tuple) and all(isinstance(part, (int, float)) for part in marker)
    )
    return marker if plain else "None" if marker is None else "o"


def _color(color) -> list[float]:
    from matplotlib.colors import to_rgba

    return list(map(float, to_rgba(color)))


def _write_chart(packer, value, depth):
    drawn = describe(value)
    if drawn is None:
        too_much = type(value).__name__ in ("Figure", "Axes")
        return packer.refuse("a chart") if too_much else None
    packer.keep(value)
    return ["chart", *(packer.node(part, depth) for part in drawn)]


FAMILIES = [(object, _write_chart)]
READERS = {
    "chart": reads_later(lambda unpacker, *parts: draw(*map(unpacker.part, parts))),
}
