"""The workbench: a widget beside bqplot charts of what it shows, for Jupyter. The only module that imports bqplot."""

from typing import Any

import numpy as np

from latent_widget._arrays import Floats
from latent_widget.display.widget import LatentWidget
from latent_widget.geodesics import Geodesic, distances

PAIRED = 24
"""Points whose pairs the Shepard plot compares: 276 pairs."""
BINS = 48
COLOURS = {"geodesic": "#ea6a1f", "straight": "#4a7df0", "slerp": "#b8629c", "stretched": "#3f9460"}
STYLES = {"geodesic": "solid", "straight": "dashed", "slerp": "dotted", "stretched": "dash_dotted"}
BEFORE, AFTER = "#8b98a7", "#0f9d8a"
BARS = "#6b93b8"
"""All can be told from white and from near-black, since the charts lie on the notebook's own ground."""
ROOM = {"top": 10, "bottom": 44, "left": 62, "right": 18}
"""Pixels around a chart."""
PROFILES = {
    "speed": ("change per unit of the plane", "{kind}: up to {top:.3g} × its mean"),
    "distance": ("length so far, in the measure", "{kind}: {length:.4g} in all"),
}


def workbench(widget: LatentWidget, seed: int = 0) -> Any:
    """Lay out a widget with bqplot charts that stay in step with it, as one ipywidgets box.

    Profile along the path: how fast the decoded output changes along each path that is shown, or how far one has
    come. Histogram of the measure over the map's cells; its brush sets `widget.highlight`. Shepard plot: plane distance
    against geodesic distance, before and after stretching, for all pairs of 24 encoded points (or of 24 points of the
    plane where the atlas holds fewer), drawn once with `seed`; r is Pearson's correlation.

    Raises `ImportError` where bqplot or ipywidgets is missing and `TypeError` where `widget` is no `LatentWidget`.
    """
    if not isinstance(widget, LatentWidget):
        raise TypeError(
            f"widget must be a LatentWidget, got {type(widget).__name__}; make one with LatentWidget(atlas)"
        )
    bq, ipw = _libraries()
    profile = _profile(bq, ipw, widget)
    histogram = _histogram(bq, ipw, widget)
    shepard = _shepard(bq, ipw, widget, seed)
    # beside the widget where there is room, underneath where there is not, and then beside one another
    charts = ipw.Box([profile, histogram, shepard], layout=_wrapping(ipw, flex="1 1 360px", min_width="0"))
    shown = ipw.Box([widget], layout=ipw.Layout(flex="2 1 720px", min_width="0", display="block"))
    return ipw.Box([shown, charts], layout=_wrapping(ipw, width="100%"))


def _libraries() -> tuple[Any, Any]:
    try:
        import bqplot
        import ipywidgets
    except ImportError as error:
        raise ImportError(
            f"workbench needs {error.name}, which is not installed: pip install 'latent-widget[demo]'"
        ) from error
    return bqplot, ipywidgets


# ---- profile along the path --------------------------------------------------------------------------------------


def profile_of(path: Geodesic) -> tuple[Floats, Floats, Floats]:
    """Return the way along a path as a share of its latent length `(N,)`, what was measured up to there `(N,)`, and
    between the nodes the speed `(N - 1,)`, measured per unit of the plane.
    """
    steps = np.linalg.norm(np.diff(path.points, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    measured = np.diff(path.cumulative)
    speed = np.divide(measured, steps, out=np.zeros_like(steps), where=steps > 0)
    return along / (along[-1] or 1.0), path.cumulative, speed


def _path_of(widget: LatentWidget, kind: str) -> Geodesic | None:
    """Return a path of the widget; None for a spherical line that does not exist between its ends."""
    try:
        return widget.path if kind == "geodesic" else getattr(widget, kind)
    except ValueError:
        return None


def _profile(bq: Any, ipw: Any, widget: LatentWidget) -> Any:
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
    flat, upright = _axis(bq, x, "way along the line, %"), _axis(bq, y, upright=True)
    _span(flat, 0, 100)
    figure = _figure(bq, list(lines.values()), [flat, upright])
    shown = ipw.ToggleButtons(
        options=[("how fast", "speed"), ("how far", "distance")],
        tooltips=["How fast the output changes along each line", "How far each line has come"],
        style={"button_width": "84px"},
    )
    words = ipw.HTML()

    def update(_change: Any = None) -> None:
        if not any(widget.weights.values()):
            return
        upright.label, told = PROFILES[shown.value]
        sentences, highest = [], 0.0
        for kind, line in lines.items():
            path = _path_of(widget, kind) if widget.show[kind] else None
            line.visible = path is not None
            if path is None:
                continue
            along, far, speed = profile_of(path)
            way = (along[1:] + along[:-1]) / 2 if shown.value == "speed" else along
            with line.hold_sync():
                line.x, line.y = 100 * way, speed if shown.value == "speed" else far
            highest = max(highest, float(line.y.max()))
            mean = path.length / (np.linalg.norm(np.diff(path.points, axis=0), axis=1).sum() or 1.0)
            top = float(speed.max()) / mean if mean > 0 else 1.0
            sentences.append(_coloured(told.format(kind=kind, top=top, length=path.length), COLOURS[kind]))
        _span(upright, 0, 1.05 * highest)
        words.value = " &nbsp; ".join(sentences)

    shown.observe(update, names="value")
    widget.observe(update, names=["start", "end", "weights", "temper", "smoothing", "show"])
    update()
    return _panel(ipw, "How fast the output changes along the lines", figure, shown, words)


# ---- histogram of the measure ------------------------------------------------------------------------------------


def histogram_of(density: Floats) -> tuple[Floats, Floats]:
    """Return edges `(n + 1,)` in powers of ten and the share of all cells `(n,)`, in %, of a density `(H, W)` > 0."""
    powers = np.log10(np.maximum(density, np.finfo(float).tiny)).ravel()
    low, high = float(powers.min()), float(powers.max())
    if high - low < 1e-6:
        # a constant has one bar, in the middle
        low, high = low - 0.5, high + 0.5
    counts, edges = np.histogram(powers, bins=BINS, range=(low, high))
    return edges, 100 * counts / powers.size


def _histogram(bq: Any, ipw: Any, widget: LatentWidget) -> Any:
    x, y = bq.LinearScale(), bq.LinearScale()
    bars = bq.Bars(x=[0.0, 1.0], y=[0.0, 0.0], scales={"x": x, "y": y}, colors=[BARS], padding=0.05)
    flat = _axis(bq, x, "magnification, as a power of ten")
    upright = _axis(bq, y, "share of the plane, %", upright=True)
    brush = bq.interacts.BrushIntervalSelector(scale=x, marks=[bars], color="#d97706")
    figure = _figure(bq, [bars], [flat, upright])
    figure.interaction = brush
    clear = ipw.Button(description="clear", tooltip="Highlight nothing", layout=ipw.Layout(width="84px"))
    words = ipw.HTML()

    def say(_change: Any = None) -> None:
        clear.disabled = widget.highlight is None
        if widget.highlight is None or not any(widget.weights.values()):
            words.value = "Drag over the bars to highlight those cells on the map"
            return
        low, high = widget.highlight
        density = widget.field.density
        part = 100 * np.mean((density >= low) & (density <= high))
        words.value = f"highlighted: {low:.3g} to {high:.3g}, {part:.3g} % of the plane"

    def update(_change: Any = None) -> None:
        if not any(widget.weights.values()):
            return
        edges, part = histogram_of(widget.field.density)
        with bars.hold_sync():
            bars.x, bars.y = (edges[1:] + edges[:-1]) / 2, part
        _span(flat, float(edges[0]), float(edges[-1]))
        _span(upright, 0, 1.05 * float(part.max()))
        say()

    def brushed(change: Any) -> None:
        chosen = np.asarray(change["new"] if change["new"] is not None else [], dtype=float).ravel()
        if chosen.size == 2 and np.isfinite(chosen).all() and chosen[1] > chosen[0]:
            widget.highlight = (10.0**chosen).tolist()
        else:
            widget.highlight = None

    def cleared(_button: Any) -> None:
        brush.reset()
        widget.highlight = None

    brush.observe(brushed, names="selected")
    clear.on_click(cleared)
    widget.observe(say, names="highlight")
    widget.observe(update, names=["weights", "temper", "smoothing"])
    update()
    return _panel(ipw, "How much of the plane is magnified how much", figure, clear, words)


# ---- Shepard plot ------------------------------------------------------------------------------------------------


def shepard_points(widget: LatentWidget, seed: int) -> Floats:
    """Draw the points `(24, 2)` whose pairs are compared: encoded ones where there are enough, else of the plane."""
    rng = np.random.default_rng(seed)
    atlas = widget.atlas
    if atlas.points is not None:
        inside = atlas.points[atlas.lattice.contains(atlas.points)]
        if len(inside) >= PAIRED:
            return np.asarray(inside[rng.choice(len(inside), PAIRED, replace=False)], dtype=float)
    x0, x1, y0, y1 = atlas.lattice.extent
    return rng.uniform((x0, y0), (x1, y1), (PAIRED, 2))


def shepard(widget: LatentWidget, points: Floats) -> tuple[Floats, Floats, Floats]:
    """Return, for all pairs of points `(n, 2)`, geodesic distances and the distances on the plane and on the map."""
    first, second = np.triu_indices(len(points), 1)
    stretched = widget.cartogram.transform(points)
    walked = distances(widget.field, points, refine=False)[first, second]
    return walked, *(np.linalg.norm(p[first] - p[second], axis=1) for p in (points, stretched))


def _shepard(bq: Any, ipw: Any, widget: LatentWidget, seed: int) -> Any:
    x, y = bq.LinearScale(), bq.LinearScale()
    marks = [
        bq.Scatter(x=[0.0], y=[0.0], scales={"x": x, "y": y}, colors=[colour], marker=marker, default_size=22)
        for colour, marker in ((BEFORE, "circle"), (AFTER, "diamond"))
    ]
    flat = _axis(bq, x, "distance of two points on the map")
    upright = _axis(bq, y, "length of their geodesic", upright=True)
    figure = _figure(bq, marks, [flat, upright])
    words = ipw.HTML()
    points = shepard_points(widget, seed)

    def update(_change: Any = None) -> None:
        if widget._status["state"] not in ("ready", "warning"):
            return
        walked, plain, stretched = shepard(widget, points)
        told = []
        for mark, apart, name, colour in (
            (marks[0], plain, "● before stretching", BEFORE),
            (marks[1], stretched, "◆ after", AFTER),
        ):
            with mark.hold_sync():
                mark.x, mark.y = apart, walked
            varies = np.ptp(apart) > 0 and np.ptp(walked) > 0
            r = f"r = {np.corrcoef(apart, walked)[0, 1]:.3f}" if varies else "all pairs alike"
            told.append(_coloured(f"{name}: {r}", colour))
        _span(flat, 0, 1.05 * float(max(plain.max(), stretched.max())))
        _span(upright, 0, 1.05 * float(walked.max()))
        words.value = " &nbsp; ".join(told)

    # after a new map has been made, and with it of the new weights
    widget.observe(update, names="_status")
    update()
    return _panel(ipw, "Distances on the map against distances in the measure", figure, words)


# ---- what the charts share ---------------------------------------------------------------------------------------


def round_ticks(low: float, high: float, most: int = 6) -> Floats:
    """Return multiples of 1, 2 or 5 times a power of ten within [low, high], `most` of them or fewer."""
    least = (high - low) / most
    power = 10.0 ** np.floor(np.log10(least))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= least * (1 - 1e-9))
    return step * np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1)


def _axis(bq: Any, scale: Any, label: str = "", upright: bool = False) -> Any:
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


def _span(axis: Any, low: float, high: float) -> None:
    """Let an axis run from `low` to `high`, with round ticks."""
    high = high if high > low else low + 1
    axis.scale.min, axis.scale.max = low, high
    axis.tick_values = round_ticks(low, high)


def _figure(bq: Any, marks: list[Any], axes: list[Any]) -> Any:
    return bq.Figure(
        marks=marks,
        axes=axes,
        fig_margin=ROOM,
        animation_duration=0,
        layout={"width": "100%", "height": "220px", "min_width": "0"},
    )


def _panel(ipw: Any, title: str, figure: Any, *below: Any) -> Any:
    head = ipw.HTML(f"<b>{title}</b>", layout=ipw.Layout(margin="4px 0 0 12px"))
    row = ipw.Box(below, layout=_wrapping(ipw, align_items="center", margin="0 0 8px 12px"))
    return ipw.VBox([head, figure, row], layout=ipw.Layout(flex="1 1 300px", min_width="300px"))


def _wrapping(ipw: Any, **layout: str) -> Any:
    return ipw.Layout(display="flex", flex_flow="row wrap", **layout)


def _coloured(text: str, colour: str) -> str:
    return f'<span style="color: {colour}">{text}</span>'
