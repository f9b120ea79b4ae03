"""Build the documentation: the gallery of live pages, then the site, with every warning an error.

python docs/build.py                 # into site/; about two minutes on two cores, most of them for the gallery
python docs/build.py --size 24       # with a coarser gallery
python docs/build.py --keep-gallery  # with the gallery that is there
"""

import argparse
import sys
from pathlib import Path

import gallery

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

import hatch_build  # noqa: E402


def build(out: Path, pages: Path) -> None:
    """Build the site from docs/ and a folder of gallery pages. Raises `mkdocs.exceptions.Abort` for any warning."""
    from mkdocs.commands.build import build as build_site
    from mkdocs.config import load_config

    config = load_config(str(ROOT / "mkdocs.yml"), site_dir=str(out.resolve()), strict=True)
    config.extra["gallery"] = str(pages.resolve())
    config.plugins.run_event("startup", command="build", dirty=False)
    try:
        build_site(config)
    finally:
        config.plugins.run_event("shutdown")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "site", help="folder of the site (default: site)")
    parser.add_argument("--gallery", type=Path, default=gallery.FOLDER, help="of the gallery (default: docs/gallery)")
    parser.add_argument("--size", type=int, default=gallery.SIZE, help="cells along each side of a gallery's lattice")
    parser.add_argument("--keep-gallery", action="store_true", help="do not build the gallery anew")
    asked = parser.parse_args()
    if hatch_build.stale():
        hatch_build.build()
    if not asked.keep_gallery:
        gallery.build(asked.gallery, asked.size)
    build(asked.out, asked.gallery)
    print(f"{asked.out / 'index.html'}")


if __name__ == "__main__":
    main()
