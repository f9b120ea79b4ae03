"""The widget, on anywidget: an atlas on screen, and what is chosen there as synchronised traits.

Choices are checked in `validation.py`, messages answered in `messages.py`, surveys run in `background_survey.py`, and
lines and samples found in `lines.py` and `samples.py`; this class holds what belongs to one widget and hands it to
them.
"""

from __future__ import annotations

import base64
import os
import threading
import warnings
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import anywidget
import traitlets
from numpy.typing import NDArray

from latent_widget._atlas import Atlas
from latent_widget._field import Field
from latent_widget._lattice import need_plane
from latent_widget.decoders.sequence import SequenceDecoder
from latent_widget.display.background_survey import Progress, plan_survey, run_in_background, survey_in_background
from latent_widget.display.export import File, check_suffix, write_figure, write_html
from latent_widget.display.lines import collect_lines, find_geodesic
from latent_widget.display.map_worth import choose_places, measure_worth
from latent_widget.display.messages import answer_request, read_type
from latent_widget.display.options import (
    COLOURS_BY,
    FORMATS,
    MAP_METHODS,
    PUBLIC_TRAITS,
    RENDERERS,
    SPACINGS,
    STATE_TRAITS,
    THEMES,
    MapMethod,
    limit,
)
from latent_widget.display.samples import decode_points, place_samples
from latent_widget.display.serialization import serialize_atlas, serialize_lattice, serialize_map
from latent_widget.display.stretched_map import stretch_map
from latent_widget.display.validation import Extent, PlanePoint, check_choice, check_view, choose_defaults, keep_weights
from latent_widget.figures.static_png import render_static_png
from latent_widget.maps._map import Map
from latent_widget.maps.methods import make_map

if TYPE_CHECKING:
    from latent_widget.geodesics import Geodesic

STATIC = Path(__file__).parent / "static"
LARGEST_OF_ALL = 256
"""Cells along a side up to which a page holds the maps of all methods, some 0.7 MB each."""


class LatentWidget(anywidget.AnyWidget):
    """Show an atlas, or survey a decoder over `extent` and show that.

    A decoder is surveyed in the background: the widget appears at once with its progress and a button to cancel, and
    shows the error where the decoder fails; `atlas` and all that needs it wait. Bad arguments raise at once.

    Parameters
    ----------
    source : Atlas, Decoder, SequenceDecoder or callable
        What to show, or to survey and show.
    extent : (x0, x1, y0, y1), optional
        The part of the latent plane to survey; needed with a decoder.
    shape : (int, int)
        Rows and columns of the lattice to survey.
    **options
        Any of the traits below, and with a decoder the options of `lw.survey`: `measures=`, `points=`, `labels=`, ...

    Attributes
    ----------
    weights : dict of str to float
        Weight of each measure in the mixture, >= 0; equal weights mean equal parts, see `Atlas.mixed`.
    temper, smoothing : float
        Exponent of the mixed field, in [0, 1], and the cells over which it is averaged before, 0 to 8.
    stretch : float
        From the latent plane, 0, to the map that `map_method` names, 1.
    map_method : {"cartogram", "isometric", "distances"}
        The map whose areas are true, between the walls of the plane; the one that distorts the measure least,
        everywhere; or the one that keeps geodesic distances between encoded points. The last two have outlines of
        their own.
    area_weight : float
        What counts for these two where both cannot be true, from near 0, angles, to near 1, areas.
    start, end : (float, float)
        Ends of the lines, in plane coordinates.
    n_samples : int
        Pictures a film strip, 2 to 100.
    spacing : {"own", "latent", "measure"}
        How they are spaced: on each line in its own way, or on all by distance in the plane or in the measure.
    theme : {"auto", "light", "dark"}
        Light or dark colours, or those of the notebook.
    show : dict of str to bool
        Layers of the map and lines: points, thumbnails, grid, contours, ellipses, straight, geodesic, slerp, stretched.
    colour_by : {"density", "label", "area_error", "standard_error"}
        The magnification; the majority of the nearest labelled points; how true the areas of the map are at the
        present stretch; or how far off the measures may be, relative, in each cell.
    view : (x0, x1, y0, y1) or None
        The part of the map that is seen, in coordinates of the page; None for all of it.
    renderer : {"auto", "cpu", "webgl"}
        What draws the colours; "auto" takes a graphics card where there is one.
    highlight : (low, high) or None
        A range of the density whose cells stand out.

    Raises
    ------
    TypeError
        Where `source` is neither an atlas nor a decoder, or the options do not belong to it.
    TraitError
        For a bad value of a trait, which keeps the value that it had.

    """

    _esm = STATIC / "widget.js"
    _css = STATIC / "widget.css"

    weights = traitlets.Dict(key_trait=traitlets.Unicode(), value_trait=traitlets.Float()).tag(sync=True)
    temper = traitlets.Float(1.0, **limit("temper")).tag(sync=True)
    smoothing = traitlets.Float(0.0, **limit("smoothing")).tag(sync=True)
    stretch = traitlets.Float(0.0, **limit("stretch")).tag(sync=True)
    map_method = traitlets.Enum(MAP_METHODS, "cartogram").tag(sync=True)
    area_weight = traitlets.Float(0.5, **limit("area_weight")).tag(sync=True)
    start = PlanePoint().tag(sync=True)
    end = PlanePoint().tag(sync=True)
    n_samples = traitlets.Int(10, **limit("n_samples")).tag(sync=True)
    spacing = traitlets.Enum(SPACINGS, "own").tag(sync=True)
    theme = traitlets.Enum(THEMES, "auto").tag(sync=True)
    show: traitlets.Dict[str, bool] = traitlets.Dict().tag(sync=True)
    colour_by = traitlets.Enum(COLOURS_BY, "density").tag(sync=True)
    view = Extent().tag(sync=True)
    renderer = traitlets.Enum(RENDERERS, "auto").tag(sync=True)
    highlight: Any = traitlets.List(traitlets.Float(), None, 2, 2, allow_none=True).tag(sync=True)

    _lattice = traitlets.Dict().tag(sync=True)
    _fields: Any = traitlets.List().tag(sync=True)
    _points = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    _sprites = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    _map = traitlets.Dict().tag(sync=True)
    _audit: Any = traitlets.Dict({"state": "none", "message": ""}).tag(sync=True)
    _status: Any = traitlets.Dict({"state": "ready", "message": ""}).tag(sync=True)

    def __init__(self, source: Any, extent: Any = None, shape: tuple[int, int] = (128, 128), **options: Any) -> None:
        traits = {name: options.pop(name) for name in list(options) if self.has_trait(name)}
        progress = options.pop("progress", None)
        self._progress: Progress | None = progress if callable(progress) else None
        self._plan = plan_survey(source, extent, shape, options)
        self._atlas: Atlas | None = None if self._plan else source
        surveyed = self._plan or source
        self._plane, self._measures, self._labels = surveyed.lattice, list(surveyed.measures), surveyed.labels
        need_plane(self._plane, "the widget")
        # kernels may handle the browser's messages beside a running cell
        self._map_lock = threading.RLock()
        # the last map of each method, and of what it is the map; which of them is shown, and how many were
        self._maps: dict[MapMethod, tuple[Any, Map]] = {}
        self._shown: tuple[int, Any, Map] | None = None
        self._known_path: tuple[Any, Geodesic] | None = None
        state = {} if self._atlas is None else serialize_atlas(self._atlas)
        choices = {**choose_defaults(self._plane, self._measures), **traits}
        super().__init__(**choices, _lattice=serialize_lattice(self._plane), **state)
        self.observe(self._stretch_map, names=["weights", "temper", "smoothing", "map_method", "area_weight"])
        self.on_msg(self._answer)
        self._stretch_map()
        self._begin_survey()

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
    def map(self) -> Map:
        """The stretched map of `field` by `map_method`. Raises `ValueError` where none could be made."""
        self.wait()
        return self._find_map(self.map_method)

    @property
    def cartogram(self) -> Map:
        """The cartogram of `field`, whatever map is shown. Raises `ValueError` where none could be made."""
        self.wait()
        return self._find_map("cartogram")

    @property
    def path(self) -> Geodesic:
        """The geodesic from `start` to `end` under `field`."""
        # a survey that fails in part takes weights away
        self.wait()
        key = (tuple(sorted(self.weights.items())), self.temper, self.smoothing, tuple(self.start), tuple(self.end))
        known = self._known_path
        if known is None or known[0] != key:
            path = find_geodesic(self.atlas, self.weights, self.temper, self.smoothing, self.start, self.end)
            known = self._known_path = (key, path)
        return known[1]

    @property
    def straight(self) -> Geodesic:
        """The straight line from `start` to `end`, measured by `field`."""
        from latent_widget.geodesics import straight

        return straight(self.field, self.start, self.end)

    @property
    def slerp(self) -> Geodesic:
        """The spherical line from `start` to `end` around the latent origin, measured by `field`.

        Raises `ValueError` where it leaves the extent or the ends lie in opposite directions from the origin.
        """
        from latent_widget.geodesics import slerp

        return slerp(self.field, self.start, self.end)

    @property
    def stretched(self) -> Geodesic:
        """The straight line of the stretched map from `start` to `end`, brought back and measured by `field`."""
        from latent_widget.geodesics import stretched

        return stretched(self.field, self.map, self.start, self.end)

    @property
    def samples(self) -> NDArray[Any]:
        """What is decoded at `n_samples` points along `path`, spaced as `spacing` says; needs the decoder.

        Of a `SequenceDecoder` these are strings.
        """
        samples = decode_points(self.atlas, place_samples(self.path, self.n_samples, self.spacing))
        decoder = self.atlas.decoder
        return decoder.texts(samples) if isinstance(decoder, SequenceDecoder) else samples

    def save(self, path: str | os.PathLike[str], dpi: float = 200, width: float = 7.0) -> None:
        """Write what is shown to a figure, white, without a browser; raises `ValueError` for another suffix.

        Letters become outlines in SVG and are embedded in PDF; the coloured map is a picture of `dpi` in both.

        Parameters
        ----------
        path : str or path
            Where to write, ending in `.svg`, `.png` or `.pdf`.
        dpi : float
            Pixels per inch.
        width : float
            Width of the page in inches.

        """
        self._write_figure(path, check_suffix(path, FORMATS), width, dpi)

    def to_html(self, path: str | os.PathLike[str], title: str = "Latent space map") -> None:
        """Write what is shown to one HTML file that needs no kernel, no network and no other file.

        Stretch, colours, handles and geodesics stay live; the film strips are previews from the map's thumbnails, and
        the stretched maps, of every method on lattices of up to 256 by 256 cells, remain those of `weights` and
        `temper` as they are now. Raises `ValueError` for a suffix other than `.html` and `.htm`.
        """
        self.wait()
        state = {name: getattr(self, name) for name in (*PUBLIC_TRAITS, *STATE_TRAITS)}
        write_html(path, title, state | {"maps": self._collect_other_maps()})

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Add a picture to the live view, for where a notebook is only read: on a site, converted, not trusted."""
        bundle = super()._repr_mimebundle_(**options)
        if self._atlas is None or not isinstance(bundle, tuple) or not any(self.weights.values()):
            return bundle
        shown = self._shown[2] if self._shown else None
        points = self._atlas.points if self.show["points"] else None
        picture = render_static_png(self.field, shown, self.stretch if shown else 0.0, points)
        return {**bundle[0], "image/png": base64.b64encode(picture).decode()}, *bundle[1:]

    @traitlets.validate("weights", "start", "end", "colour_by", "view", "highlight", "show")
    def _check(self, proposal: Any) -> Any:
        fields = self._atlas.fields if self._atlas is not None else {}
        name, value = proposal["trait"].name, proposal["value"]
        free = self.map_method != "cartogram"
        return check_choice(name, value, self._plane, self._measures, self._labels, fields, free)

    def _begin_survey(self) -> None:
        if self._plan is not None:
            self._stop = threading.Event()
            self._surveyed: Future[Atlas] = survey_in_background(
                self._plan, self._stop, self._set_status, self._show_atlas, self._progress
            )

    def _set_status(self, status: dict[str, Any]) -> None:
        self._status = status

    def _show_atlas(self, atlas: Atlas, warning: str) -> None:
        """Put an atlas on screen, all of it in one message."""
        with self.hold_sync():
            self._atlas, self._measures = atlas, atlas.measures
            self.weights = keep_weights(self.weights, atlas.measures)
            for name, value in serialize_atlas(atlas).items():
                setattr(self, name, value)
            try:
                self.colour_by = self.colour_by
            except traitlets.TraitError as error:
                self.colour_by, warning = "density", warning or str(error)
            if self._shown is None:
                self._stretch_map()
            if warning and self._status["state"] == "ready":
                self._status = {"state": "warning", "message": warning}

    def _stretch_map(self, _change: Any = None) -> None:
        """Find the map of the chosen field and method; where there is none the last map stays."""
        with self._map_lock:
            method, what = self.map_method, self._describe_map(self.map_method)
            if self._atlas is None:
                return
            if self._shown is not None and self._shown[1] == what:
                # what went wrong since is taken back
                if self._status["state"] == "error":
                    self._status = {"state": "ready", "message": ""}
                return
            found = stretch_map(lambda: self._find_map(method), self._set_status)
            if found is None:
                return
            sequence = self._shown[0] + 1 if self._shown else 0
            self._shown = (sequence, what, found)
            self._map = serialize_map(found, method, str(sequence))
            self._keep_view()
            self._status = {"state": "ready", "message": ""}

    def _describe_map(self, method: MapMethod) -> tuple[Any, ...]:
        """Return all on which a map depends, its method first."""
        return (method, self._map_options(method), self.temper, self.smoothing, *sorted(self.weights.items()))

    def _find_map(self, method: MapMethod) -> Map:
        """Return the map of the chosen field by a method, the last one again where nothing has changed."""
        with self._map_lock:
            what = self._describe_map(method)
            known = self._maps.get(method)
            if known is None or known[0] != what:
                made = make_map(self.field, method, choose_places(self.atlas), self._map_options(method))
                known = self._maps[method] = what, made
            return known[1]

    def _collect_other_maps(self) -> dict[str, Any]:
        """Return the maps besides the one that is shown that a page without a kernel can hold, by their methods."""
        maps: dict[str, Any] = {}
        if max(self._plane.shape) > LARGEST_OF_ALL or not any(self.weights.values()):
            return maps
        for method in MAP_METHODS:
            if method == self.map_method:
                continue
            try:
                with warnings.catch_warnings():
                    # a map that fell short has a message, which the page shows
                    warnings.simplefilter("ignore", RuntimeWarning)
                    maps[method] = serialize_map(self._find_map(method), method, method)
            except ValueError as error:
                warnings.warn(f"the page goes without the map {method!r}: {error}", UserWarning, stacklevel=3)
        return maps

    def _begin_audit(self) -> None:
        """Measure in the background what the map that is shown is worth; kernel and map stay free meanwhile."""
        assert self._shown is not None
        sequence, (method, *_), found = self._shown
        field, points = self.field, choose_places(self.atlas)
        self._audit = {"state": "busy", "message": ""}

        def measure() -> None:
            try:
                self._audit = measure_worth(field, points, found, method) | {"key": str(sequence)}
            except Exception as error:  # it belongs on screen, since nobody waits for the future
                self._audit = {"state": "failed", "message": str(error) or type(error).__name__}

        self._audited = run_in_background(measure)

    def _map_options(self, method: MapMethod) -> dict[str, Any]:
        return {} if method == "cartogram" else {"area_weight": self.area_weight}

    def _keep_view(self) -> None:
        """Look at the whole page again where the part that was seen is none of it."""
        try:
            check_view(self.view, self._plane, self.map_method != "cartogram")
        except traitlets.TraitError:
            self.set_trait("view", None)

    def _write_figure(self, file: File | BinaryIO, file_format: str, width: float, dpi: float) -> None:
        field = self.field
        lines = collect_lines(self.show, lambda kind: self.path if kind == "geodesic" else getattr(self, kind))
        shown = self.map if self.stretch > 0 or self.show["ellipses"] else None
        choices = {name: getattr(self, name) for name in PUBLIC_TRAITS}
        write_figure(file, file_format, (width, dpi), self.atlas, field, shown, lines, choices)

    def _answer(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """Act on a message of the browser; every request is answered, with an error where nothing else can be said."""
        reply, kind = answer_request(content, self._atlas, self._write_figure), read_type(content)
        if reply is not None:
            self.send(reply[0], reply[1] or None)
        elif kind == "cancel":
            self.cancel()
        elif kind == "survey" and self._status["state"] == "failed":
            self._begin_survey()
        elif kind == "audit" and self._shown is not None and self._audit["state"] != "busy":
            self._begin_audit()
