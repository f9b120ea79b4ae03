"""One HTML file that shows a widget without a kernel: the front end, the traits, and nothing fetched from anywhere."""

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


def page(state: Mapping[str, Any], title: str) -> str:
    """Return the page's text for a widget's traits; arrays of `wire.packed` travel as base64.

    Raises `FileNotFoundError` where the front end was not built.
    """
    return PAGE.format(
        scheme={"light": "light", "dark": "dark"}.get(str(state.get("theme")), "light dark"),
        policy=POLICY,
        title=html.escape(title),
        css=_closed(_static("widget.css"), "</style"),
        state=_json(state),
        script=_closed(_static("page.js"), "</script"),
    )


def _static(name: str) -> str:
    path = STATIC / name
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: reinstall the package, or run python hatch_build.py in a checkout")
    return path.read_text("utf-8")


def _closed(text: str, tag: str) -> str:
    """Break every end tag inside a script or style; both languages read `\\/` in a string as `/`."""
    return text.replace(tag, tag.replace("/", "\\/"))


def _json(state: Mapping[str, Any]) -> str:
    """Write JSON in which no `<` is left, so that nothing in it can end the script element or start a comment."""
    return json.dumps(_plain(state), allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _plain(value: Any) -> Any:
    """Turn buffers into base64 and numbers that JSON lacks into null, at any depth."""
    if isinstance(value, Mapping):
        inner = {str(name): _plain(v) for name, v in value.items() if name != "buffer"}
        return inner | ({"base64": base64.b64encode(value["buffer"]).decode()} if "buffer" in value else {})
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
