"""One HTML file that shows a widget without a kernel: the front end and the traits as JSON, under a strict policy.

Its Content-Security-Policy (W3C, level 3) forbids every request, so that the page works offline and tells nobody.
"""

import base64
import html
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

STATIC = Path(__file__).parent / "static"

# the policy makes the promise binding: the browser refuses every request, whatever a label or a bundle may hold
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; worker-src blob:"
)
PAGE = """<!doctype html>
<html lang="en" style="color-scheme: {scheme}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>
body {{ max-width: 940px; margin: 16px auto; padding: 0 8px; }}
{css}</style>
</head>
<body>
<main id="lw-map"></main>
<script type="application/json" id="lw-state">{state}</script>
<script>
{script}</script>
</body>
</html>
"""


def render_page(state: Mapping[str, Any], title: str) -> str:
    """Return the page's text.

    Parameters
    ----------
    state : mapping
        A widget's traits by name; arrays of `serialization.pack` travel as base64.
    title : str
        Title of the page.

    Raises
    ------
    FileNotFoundError
        Where the front end was not built.

    """
    return PAGE.format(
        scheme={"light": "light", "dark": "dark"}.get(str(state.get("theme")), "light dark"),
        policy=POLICY,
        title=html.escape(title),
        css=_break_end_tags(_read_static("widget.css"), "</style"),
        state=_write_json(state),
        script=_break_end_tags(_read_static("page.js"), "</script"),
    )


def _read_static(name: str) -> str:
    path = STATIC / name
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: reinstall the package, or run python hatch_build.py in a checkout")
    return path.read_text("utf-8")


def _break_end_tags(text: str, tag: str) -> str:
    r"""Break every end tag inside a script or style; both languages read `\/` in a string as `/`."""
    return text.replace(tag, tag.replace("/", "\\/"))


def _write_json(state: Mapping[str, Any]) -> str:
    """Write JSON in which no `<` is left, so that nothing in it can end the script element or start a comment."""
    return json.dumps(_convert_to_plain(state), allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _convert_to_plain(value: Any) -> Any:
    """Turn buffers into base64 and numbers that JSON lacks into null, at any depth."""
    if isinstance(value, Mapping):
        inner = {str(name): _convert_to_plain(v) for name, v in value.items() if name != "buffer"}
        return inner | ({"base64": base64.b64encode(value["buffer"]).decode()} if "buffer" in value else {})
    if isinstance(value, list | tuple):
        return [_convert_to_plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
