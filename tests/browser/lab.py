"""A JupyterLab of its own for tests and screenshots, and a notebook open in it."""

import ast
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect

LOCAL = {"127.0.0.1", "localhost"}
PATIENCE = 90  # seconds; a cold machine compiles, a warm one needs a tenth of it


APPS = {"jupyterlab": "LabApp", "notebook": "JupyterNotebookApp"}
VIEWS = {"jupyterlab": "lab/tree", "notebook": "notebooks"}


@contextmanager
def served(folder: Path, home: Path, app: str = "jupyterlab") -> Iterator[str]:
    """Serve `folder` with JupyterLab (or Notebook), nothing of the user's settings read or written.

    Yields the address.
    """
    environment = isolated(home)
    settings = Path(environment["JUPYTERLAB_SETTINGS_DIR"]) / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    news = {"fetchNews": "false", "checkForUpdates": False}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(news))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = [
        "--no-browser",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={folder}",
        "--IdentityProvider.token=",
        "--ServerApp.allow_root=True",
        f"--{APPS[app]}.expose_app_in_browser=True",
    ]
    log = home / "server.log"
    with log.open("wb") as out:
        command = [sys.executable, "-m", app, *options]
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(server, address, log)
        yield address
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(10)


def isolated(home: Path) -> dict[str, str]:
    """The environment with everything that Jupyter reads or writes moved under `home`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON"))}
    places = {
        "HOME": "home",
        "USERPROFILE": "home",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    for inside in places.values():
        (home / inside).mkdir(parents=True, exist_ok=True)
    # a thread per core in the kernel, beside a browser on the same cores, is ten times as slow as two
    kept.setdefault("OMP_NUM_THREADS", "2")
    return {**kept, **{name: str(home / inside) for name, inside in places.items()}}


def _wait_until_up(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    until = time.monotonic() + PATIENCE
    # a proxy of the environment must not see requests to this machine
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < until:
        if server.poll() is not None:
            break
        try:
            with opener.open(f"{address}/api/status", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    tail = log.read_text("utf-8", errors="replace")[-4000:]
    raise RuntimeError(f"JupyterLab did not answer at {address}:\n{tail}")


class Notebook:
    """A notebook open in JupyterLab.

    `complaints` gathers page errors, console errors, failed requests and requests that leave the machine.
    """

    def __init__(self, page: Page, address: str, app: str = "jupyterlab") -> None:
        self.page = page
        self.app = app
        self.address = address
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(f"page error: {error.stack or error}"))
        page.on("console", self._heed_console)
        page.on("request", self._heed_request)
        page.on("requestfailed", lambda request: self._heed_failure(request))

    def _heed_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _heed_request(self, request: Request) -> None:
        where = urlsplit(request.url)
        if where.scheme in ("http", "https", "ws", "wss") and where.hostname not in LOCAL:
            self.complaints.append(f"request that leaves the machine: {request.url}")

    def _heed_failure(self, request: Request) -> None:
        # what is cut off because the page goes away has not failed
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"request failed: {request.url} {request.failure}")

    def open(self, path: str) -> None:
        """Open `path` (relative to the served folder) and wait until its kernel takes work."""
        self.page.goto(f"{self.address}/{VIEWS[self.app]}/{quote(path)}?reset")
        # the page's own "idle" shows before the kernel is connected, and cells run then are skipped
        self.page.wait_for_function(
            """() => {
                const panel = window.jupyterapp?.shell?.currentWidget;
                const context = panel?.sessionContext;
                const kernel = context?.session?.kernel;
                return panel?.content?.widgets?.length > 0 && context.isReady &&
                    kernel?.connectionStatus === "connected" && kernel.status === "idle";
            }""",
            timeout=1000 * PATIENCE,
        )

    @property
    def code_cells(self) -> list[int]:
        """Positions of the cells that hold code."""
        return self.page.evaluate(
            """() => {
                const models = jupyterapp.shell.currentWidget.content.widgets.map((cell) => cell.model);
                const holds = (model) => model.type === "code" && model.sharedModel.source.trim() !== "";
                return models.flatMap((model, position) => (holds(model) ? [position] : []));
            }"""
        )

    def run(self, position: int) -> list[dict[str, Any]]:
        """Run one cell as Shift+Enter does, wait for it, and return its outputs; an error raises."""
        cell = self._patiently(
            """async (position) => {
                const { commands, shell } = jupyterapp;
                const notebook = shell.currentWidget.content;
                notebook.activeCellIndex = position;
                const model = notebook.widgets[position].model;
                const before = model.executionCount;
                await commands.execute("notebook:run-cell");
                return { before, after: model.executionCount, outputs: model.outputs.toJSON() };
            }""",
            position,
        )
        outputs = cell["outputs"]
        errors = [output for output in outputs if output["output_type"] == "error"]
        if errors:
            raise AssertionError(f"cell {position} raised {errors[0]['ename']}: {errors[0]['evalue']}")
        assert cell["after"] is not None, f"cell {position} did not run"
        assert cell["after"] != cell["before"], f"cell {position} did not run again"
        return outputs

    def _patiently(self, script: str, argument: Any) -> Any:
        """Evaluate an asynchronous function on the page, which has no time-out of its own, within PATIENCE."""
        told = f"no answer from the kernel within {PATIENCE} s; JupyterLab says that it is "
        return self.page.evaluate(
            f"""async (argument) => {{
                let timer;
                const late = new Promise((_, fail) => {{
                    const kernel = () => jupyterapp.shell.currentWidget.sessionContext.session?.kernel;
                    const say = () => fail(new Error(`{told}${{kernel()?.status}}, ${{kernel()?.connectionStatus}}`));
                    timer = setTimeout(say, {1000 * PATIENCE});
                }});
                try {{
                    return await Promise.race([({script})(argument), late]);
                }} finally {{
                    clearTimeout(timer);
                }}
            }}""",
            argument,
        )

    def run_all(self) -> None:
        """Run the cells from top to bottom."""
        for position in self.code_cells:
            self.run(position)

    def start(self, code: str) -> None:
        """Give the kernel work, wait until it has begun, and not until it is done."""
        self.page.evaluate(
            """(code) => new Promise((begun) => {
                const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
                const future = kernel.requestExecute({ code });
                future.onIOPub = ({ header }) => header.msg_type === "execute_input" && begun(null);
            })""",
            code,
        )

    def theme(self, name: str) -> None:
        """Give JupyterLab one of its themes, "Light" or "Dark"."""
        theme = f"JupyterLab {name}"
        self.page.evaluate("(theme) => jupyterapp.commands.execute('apputils:change-theme', { theme })", theme)
        expect(self.page.locator("body")).to_have_attribute("data-jp-theme-name", theme)
        # a second change while the first one's splash still fades makes JupyterLab remove it twice
        expect(self.page.locator("#jupyterlab-splash")).to_have_count(0)

    def ask(self, expression: str) -> Any:
        """The value of a Python expression in the notebook's kernel, by way of JSON."""
        reply = self._patiently(
            """async (expression) => {
                const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
                const future = kernel.requestExecute({
                    code: "", silent: true, store_history: false, user_expressions: { asked: expression },
                });
                return (await future.done).content.user_expressions.asked;
            }""",
            f"__import__('json').dumps({expression})",
        )
        if reply["status"] != "ok":
            raise AssertionError(f"{expression} raised {reply['ename']}: {reply['evalue']}")
        return json.loads(ast.literal_eval(reply["data"]["text/plain"]))

    def wait_until(self, expression: str, seconds: float = 10) -> None:
        """Wait until a Python expression is true in the kernel."""
        until = time.monotonic() + seconds
        while not self.ask(f"bool({expression})"):
            if time.monotonic() > until:
                raise AssertionError(f"{expression} did not become true within {seconds} s")
            self.page.wait_for_timeout(50)

    def hook(self, name: str) -> Locator:
        """The first element that the front end marked with data-lw=`name`."""
        return self.page.locator(f"[data-lw='{name}']").first


@contextmanager
def opened(browser: Browser, address: str, app: str = "jupyterlab", **options: Any) -> Iterator[Notebook]:
    """A page of its own for one notebook, closed at the end."""
    context = browser.new_context(**{"viewport": {"width": 1400, "height": 1300}, **options})
    context.set_default_timeout(30_000)
    try:
        yield Notebook(context.new_page(), address, app)
    finally:
        context.close()


def copied(source: Path, folder: Path) -> str:
    """Copy a notebook to where it may be changed; returns its name."""
    shutil.copy(source, folder / source.name)
    return source.name
