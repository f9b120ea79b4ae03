"""Figures: pictures of maps for papers (Matplotlib), and thumbnails and small PNGs (Pillow), without a browser.

Data pass from `thumbnails.py` (decoded samples to pixels) and `colouring.py` (values that colours stand for) through
`contours.py` and `indicatrices.py` (what lies on the cells) and `colour_scales.py` (values to colours) into `map.py`
(one map) and `page_layout.py` (the map above its film strips, written as SVG, PNG or PDF). `static_png.py` draws the
small picture that a notebook keeps. All colours stand in `palette.py`.

Nothing is imported here: `map.py`, `colour_scales.py` and `page_layout.py` load Matplotlib, the others do without.
"""
