"""The widget: an atlas on screen, its choices as synchronised traits. The only module that imports anywidget."""

import base64
import os
import tempfile
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from latent_widget import outputs
from latent_widget.arrays import Floats, as_points
from latent_widget.atlas import Atlas
from latent_widget.cartograms import Cartogram, cartogram
from latent_widget.choices import COLOUR_BY, PUBLIC, RENDERERS, SHOWN, SPACED, SPACINGS, THEMES, WIRED
from latent_widget.decoder import Decoder
from latent_widget.field import Field
from latent_widget.geodesics import Geodesic, geodesic
from latent_widget.lattice import Lattice, need_plane
from latent_widget.lines import slerp, straight, stretched
from latent_widget.packing import atlas_on_the_wire, lattice_on_the_wire
from latent_widget.page import page
from latent_widget.render import FINE, Pixels, drawn, levels_of
from latent_widget.sequence import SequenceDecoder
from latent_widget.shading import relative_error
from latent_widget.still import still
from latent_widget.surveying import Plan, SurveyError, carried_out, plan
from latent_widget.threads import in_background
from latent_widget.traits import Extent, PlanePoint
from latent_widget.wire import packed

STATIC = Path(__file__).parent / "static"
WIDTHS = (1, 40)
"""Inches that a figure asked for by the browser may be wide."""
RESOLUTIONS = (50, 1200)
"""Pixels per inch of such a figure."""


class LatentWidget(anywidget.AnyWidget):
    """Show an atlas, or survey a decoder over `extent` and show that.

    A decoder is surveyed in the background: the widget appears at once with its progress and a button to cancel, and
    says what went wrong where the decoder fails; `atlas` and all that needs it wait. Bad arguments raise at once.

    Traits, each settable and observable: `weights` (measure -> weight >= 0), `temper` in [0, 1], `stretch` in [0, 1],
    `smoothing` (cells over which the mixed field is averaged, 0 to 8),
    `start` and `end` (plane points), `n_samples`, `spacing` ("own": each path in its own way, "latent", "measure"),
    `theme` ("auto", "light", "dark"), `show` (what is drawn),
    `colour_by` ("density"; "label": the majority of the nearest labelled points; "area_error": how true the areas of
    the map are at the present stretch; "standard_error": how far off the measures may be, relative, in each cell).
    `view` is the part of the map that is seen, (x0, x1, y0, y1) in the coordinates of the page, or None for all of it.
    `renderer` says who paints the colours: "cpu", "webgl", or "auto", which takes a graphics card where there is one.
    `highlight` is a range of the density [low, high] whose cells stand out on the map, or None.
    `path`, `straight`, `slerp`, `stretched` and `samples` are computed when asked for. Survey options (`measures=`,
    `points=`, ...) may follow a decoder.

    Raises `TypeError` where the first argument is neither an atlas nor a decoder, `TraitError` for a bad trait.
    """

    _esm = STATIC / "widget.js"
    _css = STATIC / "widget.css"

    weights = traitlets.Dict(key_trait=traitlets.Unicode(), value_trait=traitlets.Float()).tag(sync=True)
    temper = traitlets.Float(1.0, min=0.0, max=1.0).tag(sync=True)
    smoothing = traitlets.Float(0.0, min=0.0, max=8.0).tag(sync=True)
    stretch = traitlets.Float(0.0, min=0.0, max=1.0).tag(sync=True)
    start = PlanePoint().tag(sync=True)
    end = PlanePoint().tag(sync=True)
    n_samples = traitlets.Int(10, min=2, max=100).tag(sync=True)
    spacing = traitlets.Enum(SPACINGS, "own").tag(sync=True)
    theme = traitlets.Enum(THEMES, "auto").tag(sync=True)
    show = traitlets.Dict().tag(sync=True)
    colour_by = traitlets.Enum(COLOUR_BY, "density").tag(sync=True)
    view = Extent().tag(sync=True)
    renderer = traitlets.Enum(RENDERERS, "auto").tag(sync=True)
    highlight: Any = traitlets.List(traitlets.Float(), None, 2, 2, allow_none=True).tag(sync=True)

    _lattice = traitlets.Dict().tag(sync=True)
    _fields: Any = traitlets.List().tag(sync=True)
    _points = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    _sprites = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    _cartogram = traitlets.Dict().tag(sync=True)
    _status: Any = traitlets.Dict({"state": "ready", "message": ""}).tag(sync=True)

    def __init__(self, source: Any, extent: Any = None, shape: tuple[int, int] = (128, 128), **options: Any) -> None:
        traits = {name: options.pop(name) for name in list(options) if self.has_trait(name)}
        self._told = options.pop("progress", None)
        self._plan = None if isinstance(source, Atlas) else _planned(source, extent, shape, options)
        if isinstance(source, Atlas) and (extent is not None or options):
            unused = ", ".join([*(["extent"] if extent is not None else []), *options])
            raise TypeError(f"{unused} cannot be given with an atlas, which is surveyed already; give it to lw.survey")
        self._atlas: Atlas | None = None if self._plan else source
        self._plane: Lattice = self._plan.lattice if self._plan else source.lattice
        self._names = list(self._plan.measures) if self._plan else source.measures
        need_plane(self._plane, "the widget")
        # kernels may handle the browser's messages beside a running cell
        self._one_at_a_time = threading.RLock()
        self._drawn_cartogram: tuple[int, Cartogram] | None = None
        self._walked: tuple[Any, Geodesic] | None = None
        x0, x1, y0, y1 = self._plane.extent
        defaults = {
            "weights": {name: float(k == 0) for k, name in enumerate(self._names)},
            "start": [x0 + 0.25 * (x1 - x0), y0 + 0.25 * (y1 - y0)],
            "end": [x0 + 0.75 * (x1 - x0), y0 + 0.75 * (y1 - y0)],
            "show": SHOWN,
        }
        wire = {} if self._atlas is None else atlas_on_the_wire(self._atlas)
        super().__init__(**{**defaults, **traits}, _lattice=lattice_on_the_wire(self._plane), **wire)
        self.observe(self._stretch_map, names=["weights", "temper", "smoothing"])
        self.on_msg(self._answer)
        if self._plan is None:
            self._stretch_map()
        else:
            self._begin(self._plan)

    @property
    def atlas(self) -> Atlas:
        """The atlas on screen; waits for its survey. Raises what the survey raised."""
        return self._atlas if self._atlas is not None else self._surveyed.result()

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the survey is done. Raises what it raised, and `TimeoutError` after `timeout` seconds."""
        if self._plan is not None:
            self._surveyed.result(timeout)

    def cancel(self) -> None:
        """Stop a survey that is under way after its present band; what was measured in whole is shown."""
        if self._plan is not None:
            self._stop.set()

    @property
    def field(self) -> Field:
        """The weighted, smoothed, tempered field that is drawn, (Σ wᵢ Gᵢ)ᵗ."""
        return self.atlas.mixed(self.weights, self.temper, self.smoothing)

    @property
    def cartogram(self) -> Cartogram:
        """The stretched map that belongs to `field`."""
        self.wait()
        if self._drawn_cartogram is None:
            raise ValueError(f"no map could be made: {self._status['message']}")
        return self._drawn_cartogram[1]

    @property
    def path(self) -> Geodesic:
        """The geodesic from `start` to `end` under `field`."""
        # a survey that fails in part takes weights away
        self.wait()
        key = (tuple(sorted(self.weights.items())), self.temper, self.smoothing, tuple(self.start), tuple(self.end))
        known = self._walked
        if known is None or known[0] != key:
            single = [name for name, weight in self.weights.items() if weight > 0]
            as_measured = self.temper == 1 and self.smoothing == 0
            if len(single) == 1 and self.weights[single[0]] == 1 and as_measured:
                walked = self.atlas.geodesic(self.start, self.end, single[0])
            else:
                walked = geodesic(self.field, self.start, self.end)
            known = self._walked = (key, walked)
        return known[1]

    @property
    def straight(self) -> Geodesic:
        """The straight line from `start` to `end`, measured by `field`."""
        return straight(self.field, self.start, self.end)

    @property
    def slerp(self) -> Geodesic:
        """The spherical line from `start` to `end` around the latent origin, measured by `field`.

        Raises `ValueError` where it leaves the extent or the ends lie in opposite directions from the origin.
        """
        return slerp(self.field, self.start, self.end)

    @property
    def stretched(self) -> Geodesic:
        """The straight line of the stretched map from `start` to `end`, brought back and measured by `field`."""
        return stretched(self.field, self.cartogram, self.start, self.end)

    @property
    def samples(self) -> np.ndarray:
        """What is decoded at `n_samples` points along `path`, spaced as `spacing` says; needs the decoder.

        Of a `SequenceDecoder` these are strings.
        """
        samples = self._decoded(self._sampled(self.path))
        decoder = self.atlas.decoder
        return decoder.texts(samples) if isinstance(decoder, SequenceDecoder) else samples

    def save(self, path: str | os.PathLike[str], dpi: float = 200, width: float = 7.0) -> None:
        """Write what is shown to `.svg`, `.png` or `.pdf`, `width` inches wide, white; no browser needed.

        Letters become outlines in SVG and are embedded in PDF; the coloured map is a picture of `dpi` in both.
        Raises `ValueError` for another suffix.
        """
        # only here, because Matplotlib is slow to import, and slower the first time after its installation
        from matplotlib import rc_context
        from matplotlib.figure import Figure

        from latent_widget.figure import draw_map, draw_strip

        suffix = Path(path).suffix.lower()
        if suffix not in (".svg", ".png", ".pdf"):
            raise ValueError(f"path must end in .svg, .png or .pdf, got {os.fspath(path)!r}")
        lines = self._shown_lines()
        pictures = [self._pictures(self._sampled(line)) for line in lines]
        x0, x1, y0, y1 = self.atlas.lattice.extent
        tall = width * 0.8 * min(1.6, max(0.4, (y1 - y0) / (x1 - x0)))
        strip = 0.35 + 0.9 * width / self.n_samples
        shown = [p for p in pictures if p is not None]
        figure = Figure(figsize=(width, tall + strip * len(shown)), layout="constrained")
        axes = figure.subplots(1 + len(shown), 1, squeeze=False, height_ratios=[tall, *[strip] * len(shown)])[:, 0]
        layers: dict[str, Any] = {name: bool(on) for name, on in self.show.items() if name not in SPACED}
        draw_map(
            self.atlas,
            stretch=self.stretch,
            ax=axes[0],
            field=self.field,
            cart=self.cartogram if self.stretch > 0 or self.show.get("ellipses") else None,
            paths=lines,
            colour_by=self.colour_by,
            weights=self.weights,
            view=self.view,
            **layers,
        )
        below = [(line, p) for line, p in zip(lines, pictures, strict=True) if p is not None]
        for ax, (line, film) in zip(axes[1:], below, strict=True):
            draw_strip(ax, film, line.kind, f"{line.kind}, length {line.length:.4g}")
        with rc_context({"svg.fonttype": "path", "pdf.fonttype": 42}):
            figure.savefig(path, dpi=dpi, facecolor="white")

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Add a still to the live view, for where a notebook is only read: on a site, converted, not trusted."""
        bundle = super()._repr_mimebundle_(**options)
        atlas = self._atlas
        if atlas is None or not isinstance(bundle, tuple) or not any(self.weights.values()):
            return bundle
        cart = self._drawn_cartogram[1] if self._drawn_cartogram else None
        points = atlas.points if self.show["points"] else None
        picture = still(self.field, cart, self.stretch if cart else 0.0, points)
        return {**bundle[0], "image/png": base64.b64encode(picture).decode()}, *bundle[1:]

    def to_html(self, path: str | os.PathLike[str], title: str = "Latent space map") -> None:
        """Write what is shown to one HTML file that needs no kernel, no network and no other file.

        Stretch, colours, handles and geodesics stay live; the film strips are previews from the map's thumbnails, and
        the stretched map remains that of `weights` and `temper` as they are now. Raises `ValueError` for a suffix other
        than `.html` or `.htm`.
        """
        if Path(path).suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"path must end in .html, got {os.fspath(path)!r}")
        self.wait()
        state = {name: getattr(self, name) for name in (*PUBLIC, *WIRED)}
        Path(path).write_text(page(state, title), encoding="utf-8")

    @traitlets.validate("weights")
    def _check_weights(self, proposal: Any) -> dict[str, float]:
        weights = proposal["value"]
        unknown = [name for name in weights if name not in self._names]
        bad = {name: w for name, w in weights.items() if not (np.isfinite(w) and w >= 0)}
        if unknown:
            raise traitlets.TraitError(
                f"weights names {', '.join(map(repr, unknown))}; this atlas holds {', '.join(self._names)}"
            )
        if bad:
            raise traitlets.TraitError(f"weights must be finite and >= 0, got {bad}")
        return {name: float(weights.get(name, 0.0)) for name in self._names}

    @traitlets.validate("start", "end")
    def _check_end_point(self, proposal: Any) -> list[float]:
        name, value = proposal["trait"].name, proposal["value"]
        if not np.isfinite(value).all() or not self._plane.contains(value):
            raise traitlets.TraitError(f"{name}={value} lies outside the map, extent {self._plane.extent}")
        return value

    @traitlets.validate("colour_by")
    def _check_colour_by(self, proposal: Any) -> str:
        by = str(proposal["value"])
        surveyed = self._atlas or self._plan
        unlabelled = surveyed is not None and (surveyed.labels is None or len(surveyed.labels) == 0)
        if by == "label" and unlabelled:
            raise traitlets.TraitError("colour_by='label' needs labelled points; give lw.survey points= and labels=")
        # before the survey is done nobody knows whether there will be an error
        fields = self._atlas.fields.values() if self._atlas is not None else []
        if by == "standard_error" and fields and all(relative_error(field) is None for field in fields):
            raise traitlets.TraitError(
                "colour_by='standard_error' needs a measure with info['standard_error'] or info['residual'] for each "
                f"cell; {', '.join(self._names)} have none"
            )
        return by

    @traitlets.validate("view")
    def _check_view(self, proposal: Any) -> list[float] | None:
        value = proposal["value"]
        if value is None:
            return None
        x0, x1, y0, y1 = self._plane.extent
        left, right, low, high = value
        slack_x, slack_y = 1e-9 * (x1 - x0), 1e-9 * (y1 - y0)
        inside = x0 - slack_x <= left < right <= x1 + slack_x and y0 - slack_y <= low < high <= y1 + slack_y
        if not inside:
            raise traitlets.TraitError(
                f"view must be None or (left, right, low, high) within {self._plane.extent}, got {tuple(value)}"
            )
        return value

    @traitlets.validate("highlight")
    def _check_highlight(self, proposal: Any) -> list[float] | None:
        value = proposal["value"]
        if value is not None and not (np.isfinite(value).all() and value[0] <= value[1]):
            raise traitlets.TraitError(f"highlight must be None or [low, high] with low <= high, got {value}")
        return value

    @traitlets.validate("show")
    def _check_show(self, proposal: Any) -> dict[str, bool]:
        unknown = [name for name in proposal["value"] if name not in SHOWN]
        if unknown:
            raise traitlets.TraitError(f"show knows {', '.join(SHOWN)}, got {', '.join(map(repr, unknown))}")
        return {**SHOWN, **{name: bool(v) for name, v in proposal["value"].items()}}

    def _begin(self, plan: Plan) -> None:
        """Survey on a thread of its own, so that the widget is there at once and shows how far it is."""
        self._stop = threading.Event()
        stop, told = self._stop, self._told
        self._status = {"state": "surveying", "message": "decoding pictures of the map", "done": 0, "total": 0}

        def progress(done: int, total: int, name: str) -> None:
            self._status = {"state": "surveying", "message": f"measuring {name}", "done": done, "total": total}
            if callable(told):
                told(done, total, name)

        def work() -> Atlas:
            try:
                atlas = carried_out(plan, progress, stop)
            except Exception as error:
                kept = error.atlas if isinstance(error, SurveyError) else None
                if kept is None:
                    self._status = {"state": "failed", "message": str(error) or type(error).__name__}
                    raise
                warnings.warn(str(error), RuntimeWarning, stacklevel=2)
                self._show_atlas(kept, str(error))
                return kept
            self._show_atlas(atlas)
            return atlas

        self._surveyed = in_background(work)

    def _show_atlas(self, atlas: Atlas, warning: str = "") -> None:
        """Put an atlas on screen, all of it in one message."""
        with self.hold_sync():
            self._atlas, self._names = atlas, atlas.measures
            weights = {name: weight for name, weight in self.weights.items() if name in atlas.fields}
            self.weights = weights if any(weights.values()) else {atlas.measures[0]: 1.0}
            for name, value in atlas_on_the_wire(atlas).items():
                setattr(self, name, value)
            try:
                self.colour_by = self.colour_by
            except traitlets.TraitError as error:
                self.colour_by, warning = "density", warning or str(error)
            if self._drawn_cartogram is None:
                self._stretch_map()
            if warning and self._status["state"] == "ready":
                self._status = {"state": "warning", "message": warning}

    def _stretch_map(self, _change: Any = None) -> None:
        """Compute the cartogram of the chosen field; what goes wrong is said on screen, and the last map stays."""
        with self._one_at_a_time:
            if self._atlas is None:
                return
            self._status = {"state": "busy", "message": "stretching the map"}
            try:
                with warnings.catch_warnings():
                    # a map that fell short says so in its message, which the widget shows
                    warnings.simplefilter("ignore", RuntimeWarning)
                    warnings.simplefilter("ignore", UserWarning)
                    cart = cartogram(self.field)
            except ValueError as error:
                self._status = {"state": "error", "message": str(error)}
                return
            except Exception as error:
                # nobody's choice of sliders: the caller is to know as well
                self._status = {"state": "error", "message": f"{type(error).__name__}: {error}"}
                raise
            sequence = self._drawn_cartogram[0] + 1 if self._drawn_cartogram else 0
            self._drawn_cartogram = (sequence, cart)
            self._cartogram = {
                "corners": packed(cart.corners, "float32"),
                "maxAreaError": cart.max_area_error,
                "folds": cart.folds,
                "converged": cart.converged,
                "method": cart.method,
                "message": cart.message,
                "key": str(sequence),
            }
            self._status = {"state": "ready", "message": ""}

    def _sampled(self, line: Geodesic) -> Floats:
        return line.at(self.n_samples, by=SPACED[line.kind] if self.spacing == "own" else self.spacing)

    def _shown_lines(self) -> list[Geodesic]:
        """The paths that are shown; one that does not exist between these ends is left out with a warning."""
        lines = []
        for kind in SPACED:
            if not self.show.get(kind, SHOWN[kind]):
                continue
            try:
                lines.append(self.path if kind == "geodesic" else getattr(self, kind))
            except ValueError as error:
                warnings.warn(f"the figure leaves out {kind}: {error}", UserWarning, stacklevel=3)
        return lines

    def _decoded(self, points: Any) -> np.ndarray:
        decoder = self.atlas.decoder
        if decoder is None:
            raise ValueError("this atlas holds no decoder; load it with Atlas.load(path, decoder=...)")
        return np.asarray(outputs.mean(decoder(self.atlas.lattice.embed(points))).numpy())

    def _pictures(self, points: Any) -> Pixels | None:
        if self.atlas.decoder is None:
            return None
        samples = self._decoded(points)
        thumbnails = self.atlas.thumbnails
        levels = thumbnails.levels if thumbnails is not None else levels_of(samples)
        return drawn(samples, levels, self.atlas.decoder.render, largest=FINE)

    def _answer(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """Decode the paths that the browser asks for; every request gets an answer, an error too."""
        if not isinstance(content, dict):
            return
        if content.get("type") == "cancel":
            self.cancel()
        if content.get("type") == "survey" and self._plan and self._status["state"] == "failed":
            self._begin(self._plan)
        if content.get("type") == "figure":
            self._answer_figure(content)
        if content.get("type") != "decode":
            return
        request = content.get("id")
        try:
            paths = [as_points(p["points"], p["kind"]) for p in content["paths"]]
            pictures = self._pictures(np.concatenate(paths))
            if pictures is None:
                raise ValueError("no decoder: the film strips show the nearest pictures of the map")
        except Exception as error:  # whatever the model raises belongs on screen, not in a log
            self.send({"type": "error", "id": request, "message": str(error)})
            return
        counts = [len(p) for p in paths]
        size = list(pictures.shape[1:3])
        self.send({"type": "decoded", "id": request, "size": size, "counts": counts}, [pictures.tobytes()])

    def _answer_figure(self, content: Mapping[str, Any]) -> None:
        """Write the figure that the browser asks for, as `save` does, and send its bytes, or say why not."""
        request = content.get("id")
        try:
            suffix, width, dpi = _figure_request(content)
            with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
                # a path that does not exist between these ends is missed on screen too, where it is said why
                warnings.simplefilter("ignore", UserWarning)
                path = Path(folder) / f"figure.{suffix}"
                self.save(path, dpi=dpi, width=width)
                figure = path.read_bytes()
        except Exception as error:  # as above: on screen, not in a log
            self.send({"type": "error", "id": request, "message": str(error)})
            return
        self.send({"type": "figure", "id": request}, [figure])


def _figure_request(content: Mapping[str, Any]) -> tuple[str, float, float]:
    """Return format, width in inches and dpi of a figure that the browser asks for; `ValueError` where they are bad."""
    suffix = content.get("format")
    if suffix not in ("pdf", "svg", "png"):
        raise ValueError(f"format must be 'pdf', 'svg' or 'png', got {suffix!r}")
    numbers = []
    for name, (low, high) in (("width", WIDTHS), ("dpi", RESOLUTIONS)):
        value = content.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ValueError(f"{name} must be a number from {low} to {high}, got {value!r}")
        numbers.append(float(value))
    return suffix, numbers[0], numbers[1]


def _planned(source: Any, extent: Any, shape: tuple[int, int], options: Mapping[str, Any]) -> Plan:
    if not (isinstance(source, Decoder | SequenceDecoder) or callable(source)):
        raise TypeError(f"LatentWidget shows an Atlas or a Decoder, got {type(source).__name__}")
    if extent is None:
        raise TypeError("extent=(x0, x1, y0, y1) is needed to survey a decoder, for instance (-3, 3, -3, 3)")
    return plan(source, Lattice(extent, shape), **options)
