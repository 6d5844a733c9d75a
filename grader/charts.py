"""Charts as plain data: what a test asks of a figure (titles, labels, legend, series), and a figure drawn from it
again."""

import sys

MOST_AXES, MOST_ARTISTS, MOST_POINTS = 12, 200, 50_000


def describe(value) -> tuple | None:
    """Return a matplotlib figure or its axes as plain data, or None for anything else, or for one that is too large.

    Args:
        value: any value; axes are described by their figure and their place in it, so that both stay together.
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

    rectangles = [patch for patch in axes.patches if isinstance(patch, patches.Rectangle)]
    points = [each for each in axes.collections if isinstance(each, collections.PathCollection)]
    if len(rectangles) + len(axes.lines) + len(points) + len(axes.texts) > MOST_ARTISTS:
        return None
    if sum(len(line.get_xdata()) for line in axes.lines) > MOST_POINTS:
        return None
    legend = axes.get_legend()
    return {
        "title": [_text(axes.get_title(loc=side)) for side in ("left", "center", "right")],
        "labels": [_text(axes.get_xlabel()), _text(axes.get_ylabel())],
        "scales": [_text(axes.get_xscale()), _text(axes.get_yscale())],
        "limits": [_numbers(axes.get_xlim()), _numbers(axes.get_ylim())],
        "ticks": [
            [_numbers(axis.get_ticklocs()), [_text(label.get_text()) for label in axis.get_ticklabels()]]
            for axis in (axes.xaxis, axes.yaxis)
        ],
        "lines": [
            [
                _array(line.get_xdata()),
                _array(line.get_ydata()),
                _text(line.get_label()),
                _text(line.get_linestyle()),
                _text(str(line.get_marker())),
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
            [_text(each.get_label()), [rectangles.index(bar) for bar in each if bar in rectangles]]
            for each in axes.containers
        ],
        "points": [[_array(each.get_offsets()), _text(each.get_label())] for each in points],
        "texts": [[*_numbers(text.get_position()), _text(text.get_text())] for text in axes.texts],
        "legend": None
        if legend is None
        else [_text(legend.get_title().get_text()), [_text(text.get_text()) for text in legend.get_texts()]],
    }


def draw(kind: str, *parts):
    """Return the figure, or the axes, that a description tells of; the inverse of ``describe`` for what it tells."""
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
    from matplotlib.container import BarContainer
    from matplotlib.patches import Rectangle

    for side, text in zip(("left", "center", "right"), picture["title"], strict=True):
        axes.set_title(text, loc=side)
    axes.set_xlabel(picture["labels"][0])
    axes.set_ylabel(picture["labels"][1])
    for x, y, label, style, marker, color in picture["lines"]:
        axes.plot(x, y, label=label, linestyle=style, marker=marker, color=color)
    bars = []
    for (x, y, width, height), label, color in picture["bars"]:
        bars.append(axes.add_patch(Rectangle((x, y), width, height, label=label, facecolor=color)))
    for label, members in picture["containers"]:
        axes.add_container(BarContainer([bars[number] for number in members], label=label))
    for offsets, label in picture["points"]:
        axes.scatter([x for x, _ in offsets], [y for _, y in offsets], label=label)
    for x, y, text in picture["texts"]:
        axes.text(x, y, text)
    if picture["legend"] is not None:
        _draw_legend(axes, *picture["legend"])
    axes.set_xscale(picture["scales"][0])
    axes.set_yscale(picture["scales"][1])
    for axis, (places, labels) in zip((axes.xaxis, axes.yaxis), picture["ticks"], strict=True):
        axis.set_ticks(places, labels)
    axes.set_xlim(picture["limits"][0])
    axes.set_ylim(picture["limits"][1])


def _draw_legend(axes, title: str, texts: list[str]) -> None:
    from matplotlib.lines import Line2D

    axes.legend(handles=[Line2D([], []) for _ in texts], labels=texts, title=title or None)


def _text(value) -> str:
    return str(value)[:2000]


def _numbers(values) -> list[float]:
    return [float(value) for value in values]


def _array(values):
    import numpy as np

    values = np.ma.filled(np.ma.asarray(values), np.nan) if np.ma.isMaskedArray(values) else np.asarray(values)
    return values if values.dtype.kind in "biufM" else [_text(value) for value in values.ravel()]


def _color(color) -> list[float]:
    from matplotlib.colors import to_rgba

    return list(map(float, to_rgba(color)))
