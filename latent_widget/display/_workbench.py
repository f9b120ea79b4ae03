"""The workbench: a widget beside bqplot charts of its map, for Jupyter. The only module that imports bqplot.

Profile along the lines, histogram of the magnification, and Shepard's diagram of distances (Shepard 1962).
"""

from typing import Any

import numpy as np

from latent_widget._arrays import Floats
from latent_widget.display.widget import LatentWidget
from latent_widget.figures.page import fit_to_page
from latent_widget.figures.palette import PALETTE
from latent_widget.geodesics import Geodesic, distances

PAIRED = 24
"""Points whose pairs Shepard's diagram compares: 276 pairs."""
BINS = 48
STEPS = 6
"""Most steps between the ticks of an axis."""
COLOURS = {"geodesic": "#ea6a1f", "straight": "#4a7df0", "slerp": "#b8629c", "stretched": "#3f9460"}
STYLES = {kind: dash["bqplot"] for kind, dash in PALETTE["dashes"].items()}
BEFORE, AFTER = "#8b98a7", "#0f9d8a"
BARS = "#6b93b8"
"""All colours stand apart from white and from near-black, since charts have the notebook's background."""
MARGIN = {"top": 10, "bottom": 44, "left": 62, "right": 18}
"""Pixels around a chart."""
PROFILES = {
    "speed": ("change per unit of the plane", "{kind}: up to {top:.3g} × its mean"),
    "distance": ("length so far, in the measure", "{kind}: {length:.4g} in all"),
}
"""Label of the axis and caption of each kind of profile."""


def workbench(widget: LatentWidget, seed: int = 0) -> Any:
    """Lay out a widget with bqplot charts that stay in step with it, as one ipywidgets box.

    Profile along the lines: how fast the decoded output changes along each line that is shown, or how far one has
    come. Histogram of the magnification over the map's cells; its brush sets `widget.highlight`. Shepard's diagram:
    plane distance against geodesic distance, before and after stretching, for all pairs of 24 encoded points (or of 24
    points of the plane where the atlas holds fewer); r is Pearson's correlation.

    Parameters
    ----------
    widget : LatentWidget
        What the charts are of.
    seed : int
        Seed of the choice of the 24 points, which is made once.

    Returns
    -------
    ipywidgets.Box
        The widget and its charts, beside or below one another as there is space.

    Raises
    ------
    ImportError
        Where bqplot or ipywidgets is missing.
    TypeError
        Where `widget` is no `LatentWidget`.

    """
    if not isinstance(widget, LatentWidget):
        raise TypeError(
            f"widget must be a LatentWidget, got {type(widget).__name__}; make one with LatentWidget(atlas)"
        )
    bq, ipw = _import_libraries()
    profile = _build_profile_chart(bq, ipw, widget)
    histogram = _build_histogram(bq, ipw, widget)
    shepard = _build_shepard_diagram(bq, ipw, widget, seed)
    # beside the widget where there is room, underneath where there is not, and then beside one another
    charts = ipw.Box([profile, histogram, shepard], layout=_wrap_rows(ipw, flex="1 1 360px", min_width="0"))
    shown = ipw.Box([widget], layout=ipw.Layout(flex="2 1 720px", min_width="0", display="block"))
    return ipw.Box([shown, charts], layout=_wrap_rows(ipw, width="100%"))


def _import_libraries() -> tuple[Any, Any]:
    try:
        import bqplot
        import ipywidgets
    except ImportError as error:
        raise ImportError(
            f"workbench needs {error.name}, which is not installed: pip install 'latent-widget[demo]'"
        ) from error
    return bqplot, ipywidgets


# ---- profile along the lines -------------------------------------------------------------------------------------


def measure_profile(path: Geodesic) -> tuple[Floats, Floats, Floats]:
    """Return how fast and how far a path goes, as the field measures it.

    That is the way along the path as a share of its latent length `(N,)`, the length measured up to there `(N,)`, and
    between the nodes the speed `(N - 1,)`, measured length per unit of the plane.
    """
    steps = np.linalg.norm(np.diff(path.points, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    measured = np.diff(path.cumulative)
    speed = np.divide(measured, steps, out=np.zeros_like(steps), where=steps > 0)
    return along / (along[-1] or 1.0), path.cumulative, speed


def _find_line(widget: LatentWidget, kind: str) -> Geodesic | None:
    """Return a line of the widget; None for one that is hidden, and for slerp where it does not exist."""
    if not widget.show[kind]:
        return None
    try:
        return widget.path if kind == "geodesic" else getattr(widget, kind)
    except ValueError:
        return None


def _describe_line(path: Geodesic, template: str) -> str:
    """Return the caption of a line, in its colour: its length, and its largest speed over its mean speed."""
    speed = measure_profile(path)[2]
    mean = path.length / (np.linalg.norm(np.diff(path.points, axis=0), axis=1).sum() or 1.0)
    top = float(speed.max()) / mean if mean > 0 else 1.0
    return _colour_text(template.format(kind=path.kind, top=top, length=path.length), COLOURS[path.kind])


def _build_profile_chart(bq: Any, ipw: Any, widget: LatentWidget) -> Any:
    x, y = bq.LinearScale(), bq.LinearScale()
    lines = {
        kind: bq.Lines(
            x=[0, 100],
            y=[0, 0],
            scales={"x": x, "y": y},
            colors=[COLOURS[kind]],
            labels=[kind],
            stroke_width=2.5,
            line_style=STYLES[kind],
        )
        for kind in COLOURS
    }
    horizontal, vertical = _make_axis(bq, x, "way along the line, %"), _make_axis(bq, y, upright=True)
    _set_range(horizontal, 0, 100)
    figure = _make_figure(bq, list(lines.values()), [horizontal, vertical])
    mode = ipw.ToggleButtons(
        options=[("how fast", "speed"), ("how far", "distance")],
        tooltips=["How fast the output changes along each line", "How far each line has come"],
        style={"button_width": "84px"},
    )
    caption = ipw.HTML()

    def update(_change: Any = None) -> None:
        if not any(widget.weights.values()):
            return
        vertical.label, template = PROFILES[mode.value]
        sentences, highest = [], 0.0
        for kind, line in lines.items():
            path = _find_line(widget, kind)
            line.visible = path is not None
            if path is None:
                continue
            along, distance, speed = measure_profile(path)
            fast = mode.value == "speed"
            with line.hold_sync():
                line.x, line.y = 100 * ((along[1:] + along[:-1]) / 2 if fast else along), speed if fast else distance
            highest = max(highest, float(line.y.max()))
            sentences.append(_describe_line(path, template))
        _set_range(vertical, 0, 1.05 * highest)
        caption.value = " &nbsp; ".join(sentences)

    mode.observe(update, names="value")
    widget.observe(update, names=["start", "end", "weights", "temper", "smoothing", "show"])
    update()
    return _make_panel(ipw, "How fast the output changes along the lines", figure, mode, caption)


# ---- histogram of the magnification ------------------------------------------------------------------------------


def count_cells(density: Floats) -> tuple[Floats, Floats]:
    """Return edges `(n + 1,)` in powers of ten and the share of all cells `(n,)`, in %, of a density `(H, W)` > 0."""
    powers = np.log10(np.maximum(density, np.finfo(float).tiny)).ravel()
    low, high = float(powers.min()), float(powers.max())
    if high - low < 1e-6:
        # a constant has one bar, in the middle
        low, high = low - 0.5, high + 0.5
    counts, edges = np.histogram(powers, bins=BINS, range=(low, high))
    return edges, 100 * counts / powers.size


def _build_histogram(bq: Any, ipw: Any, widget: LatentWidget) -> Any:
    x, y = bq.LinearScale(), bq.LinearScale()
    bars = bq.Bars(x=[0.0, 1.0], y=[0.0, 0.0], scales={"x": x, "y": y}, colors=[BARS], padding=0.05)
    horizontal = _make_axis(bq, x, "magnification, as a power of ten")
    vertical = _make_axis(bq, y, "share of the plane, %", upright=True)
    brush = bq.interacts.BrushIntervalSelector(scale=x, marks=[bars], color="#d97706")
    figure = _make_figure(bq, [bars], [horizontal, vertical])
    figure.interaction = brush
    clear = ipw.Button(description="clear", tooltip="Highlight nothing", layout=ipw.Layout(width="84px"))
    caption = ipw.HTML()

    def describe(_change: Any = None) -> None:
        clear.disabled = widget.highlight is None
        if widget.highlight is None or not any(widget.weights.values()):
            caption.value = "Drag over the bars to highlight those cells on the map"
            return
        low, high = widget.highlight
        density = widget.field.density
        part = 100 * np.mean((density >= low) & (density <= high))
        caption.value = f"highlighted: {low:.3g} to {high:.3g}, {part:.3g} % of the plane"

    def update(_change: Any = None) -> None:
        if not any(widget.weights.values()):
            return
        edges, part = count_cells(widget.field.density)
        with bars.hold_sync():
            bars.x, bars.y = (edges[1:] + edges[:-1]) / 2, part
        _set_range(horizontal, float(edges[0]), float(edges[-1]))
        _set_range(vertical, 0, 1.05 * float(part.max()))
        describe()

    def highlight(change: Any) -> None:
        chosen = np.asarray(change["new"] if change["new"] is not None else [], dtype=float).ravel()
        if chosen.size == 2 and np.isfinite(chosen).all() and chosen[1] > chosen[0]:
            widget.highlight = (10.0**chosen).tolist()
        else:
            widget.highlight = None

    def reset(_button: Any) -> None:
        brush.reset()
        widget.highlight = None

    brush.observe(highlight, names="selected")
    clear.on_click(reset)
    widget.observe(describe, names="highlight")
    widget.observe(update, names=["weights", "temper", "smoothing"])
    update()
    return _make_panel(ipw, "How much of the plane is magnified how much", figure, clear, caption)


# ---- Shepard's diagram -------------------------------------------------------------------------------------------


def choose_points(widget: LatentWidget, seed: int) -> Floats:
    """Choose the points `(24, 2)` whose pairs are compared: encoded ones where there are enough, else of the plane."""
    rng = np.random.default_rng(seed)
    atlas = widget.atlas
    if atlas.points is not None:
        inside = atlas.points[atlas.lattice.contains(atlas.points)]
        if len(inside) >= PAIRED:
            return np.asarray(inside[rng.choice(len(inside), PAIRED, replace=False)], dtype=float)
    x0, x1, y0, y1 = atlas.lattice.extent
    return rng.uniform((x0, y0), (x1, y1), (PAIRED, 2))


def compare_distances(widget: LatentWidget, points: Floats) -> tuple[Floats, Floats, Floats]:
    """Return, for all pairs of points `(n, 2)`, geodesic distances and the distances on the plane and on the map."""
    first, second = np.triu_indices(len(points), 1)
    # on the page, whose unit is that of the plane
    moved = fit_to_page(widget.map).transform(points)
    geodesics = distances(widget.field, points, refine=False)[first, second]
    return geodesics, *(np.linalg.norm(p[first] - p[second], axis=1) for p in (points, moved))


def _describe_correlation(name: str, colour: str, apart: Floats, geodesics: Floats) -> str:
    varies = np.ptp(apart) > 0 and np.ptp(geodesics) > 0
    r = f"r = {np.corrcoef(apart, geodesics)[0, 1]:.3f}" if varies else "all pairs alike"
    return _colour_text(f"{name}: {r}", colour)


def _build_shepard_diagram(bq: Any, ipw: Any, widget: LatentWidget, seed: int) -> Any:
    x, y = bq.LinearScale(), bq.LinearScale()
    marks = [
        bq.Scatter(x=[0.0], y=[0.0], scales={"x": x, "y": y}, colors=[colour], marker=marker, default_size=22)
        for colour, marker in ((BEFORE, "circle"), (AFTER, "diamond"))
    ]
    horizontal = _make_axis(bq, x, "distance of two points on the map")
    vertical = _make_axis(bq, y, "length of their geodesic", upright=True)
    figure = _make_figure(bq, marks, [horizontal, vertical])
    caption = ipw.HTML()
    points = choose_points(widget, seed)

    def update(_change: Any = None) -> None:
        if widget._status["state"] not in ("ready", "warning"):
            return
        geodesics, before, after = compare_distances(widget, points)
        for mark, apart in zip(marks, (before, after), strict=True):
            with mark.hold_sync():
                mark.x, mark.y = apart, geodesics
        _set_range(horizontal, 0, 1.05 * float(max(before.max(), after.max())))
        _set_range(vertical, 0, 1.05 * float(geodesics.max()))
        caption.value = " &nbsp; ".join(
            [
                _describe_correlation("● before stretching", BEFORE, before, geodesics),
                _describe_correlation("◆ after", AFTER, after, geodesics),
            ]
        )

    # after a new map has been made, and with it of the new weights
    widget.observe(update, names="_status")
    update()
    return _make_panel(ipw, "Distances on the map against distances in the measure", figure, caption)


# ---- what the charts share ---------------------------------------------------------------------------------------


def choose_ticks(low: float, high: float) -> Floats:
    """Return round numbers within [low, high], 2 to 7 of them: multiples of 1, 2 or 5 times a power of ten.

    By Matplotlib's `MaxNLocator`.
    """
    # only here, because Matplotlib is slow to import
    from matplotlib.ticker import MaxNLocator

    ticks = np.asarray(MaxNLocator(STEPS, steps=[1, 2, 5, 10]).tick_values(low, high))
    slack = 1e-9 * (high - low)
    return ticks[(ticks >= low - slack) & (ticks <= high + slack)]


def _make_axis(bq: Any, scale: Any, label: str = "", upright: bool = False) -> Any:
    axis = bq.Axis(
        scale=scale,
        label=label,
        label_color="#8b8b8b",
        label_offset="44px" if upright else "30px",
        grid_lines="dashed" if upright else "none",
        tick_format=".6~g",
    )
    axis.orientation = "vertical" if upright else "horizontal"
    return axis


def _set_range(axis: Any, low: float, high: float) -> None:
    """Let an axis run from `low` to `high`, with round ticks."""
    high = high if high > low else low + 1
    axis.scale.min, axis.scale.max = low, high
    axis.tick_values = choose_ticks(low, high)


def _make_figure(bq: Any, marks: list[Any], axes: list[Any]) -> Any:
    return bq.Figure(
        marks=marks,
        axes=axes,
        fig_margin=MARGIN,
        animation_duration=0,
        layout={"width": "100%", "height": "220px", "min_width": "0"},
    )


def _make_panel(ipw: Any, title: str, figure: Any, *below: Any) -> Any:
    head = ipw.HTML(f"<b>{title}</b>", layout=ipw.Layout(margin="4px 0 0 12px"))
    row = ipw.Box(below, layout=_wrap_rows(ipw, align_items="center", margin="0 0 8px 12px"))
    return ipw.VBox([head, figure, row], layout=ipw.Layout(flex="1 1 300px", min_width="300px"))


def _wrap_rows(ipw: Any, **layout: str) -> Any:
    return ipw.Layout(display="flex", flex_flow="row wrap", **layout)


def _colour_text(text: str, colour: str) -> str:
    return f'<span style="color: {colour}">{text}</span>'
