"""The display: the widget in a notebook, the page that it becomes, and the workbench of charts beside it.

`widget.py` holds the widget itself. An atlas goes to the browser through `serialization.py`; what one chooses there
comes back as the traits of `options.py`, checked in `validation.py`, and as messages, answered in `messages.py`. A
decoder is surveyed first, in `background_survey.py`. From the choices follow the stretched map (`stretched_map.py`),
the lines (`lines.py`) and their samples (`samples.py`), and from those the files that `export.py` and `offline_html.py`
write. `_workbench.py` puts bqplot charts beside the widget.

Nothing is imported here, since the widget brings anywidget, Numba and torch with it.
"""
