"""What MkDocs is told beyond mkdocs.yml: the gallery's files and cards, and where links out of docs/ lead."""

import html
import json
import logging
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, InclusionLevel

LOG = logging.getLogger("mkdocs.hooks.gallery")
CARDS = "<!-- gallery -->"
LINK = re.compile(r"(?<=\]\()(\.\./[^)\s]+)(?=\))")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages and stills of the gallery, which docs/gallery.py wrote, wherever they lie."""
    folder = gallery(config)
    if not (folder / "gallery.json").is_file():
        LOG.warning("the gallery is not built: run python docs/gallery.py, or python docs/build.py for all of the site")
        return files
    for path in sorted(folder.iterdir()):
        if path.suffix in (".html", ".png"):
            uri, source = f"gallery/{path.name}", str(path)
            if (own := files.get_file_from_path(uri)) is not None:
                files.remove(own)
            # included in so many words, for mkdocs.yml keeps what lies in docs/gallery/ out
            files.append(File.generated(config, uri, abs_src_path=source, inclusion=InclusionLevel.INCLUDED))
    return files


def on_page_markdown(text: str, page: Any, config: Any, **_: Any) -> str:
    """Put the cards of the gallery in, and turn links to files outside docs/ into links to the code host."""
    source = page.file.src_uri

    def outward(found: re.Match[str]) -> str:
        path, _, anchor = found[1].partition("#")
        inside = posixpath.normpath(posixpath.join("docs", posixpath.dirname(source), path))
        if inside.startswith("docs/"):
            return found[1]
        return f"{config.extra['source']}/blob/main/{inside}" + (f"#{anchor}" if anchor else "")

    return LINK.sub(outward, text.replace(CARDS, cards(gallery(config), config.extra["source"])))


def gallery(config: Any) -> Path:
    return Path(config.config_file_path).parent / config.extra["gallery"]


def cards(folder: Path, source: str) -> str:
    """One card for each page of the gallery: a still that leads to it, its title and what to try there."""
    listed = folder / "gallery.json"
    if not listed.is_file():
        return ""
    made = []
    for card in json.loads(listed.read_text("utf-8")):
        name, title, text, notebook = (html.escape(card[key]) for key in ("name", "title", "text", "notebook"))
        picture = f'<img src="{name}.png" alt="Still: {title}" loading="lazy">'
        made.append(
            f'<figure class="gallery-card"><a href="{name}.html">{picture}</a>'
            f'<figcaption><p><a href="{name}.html"><strong>{title}</strong></a></p><p>{text}</p>'
            f'<p><a href="{source}/blob/main/demo_notebooks/{notebook}.ipynb">Notebook</a></p></figcaption></figure>'
        )
    return f'<div class="gallery">{"".join(made)}</div>'
