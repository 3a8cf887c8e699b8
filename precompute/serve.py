"""`dashboard`: start the installed dashboard on a workspace."""

import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from core import media_roots
from core.errors import UserError

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def run(workspace: str, port: int, hosts: Sequence[str] = (), media: str = "") -> None:
    """Replace this process with Streamlit, on this machine's address alone.

    It answers to the names of this machine and to `hosts`: other names could be made to point here.
    `media` is where the workspace may take its media from, besides its own folder.
    The options of `dashboard/.streamlit/config.toml` apply in any folder; `STREAMLIT_SERVER_...`
    variables change them.

    Raises
    ------
    UserError
        The dashboard or Streamlit is not installed.
    """
    origins = {}
    for package in ("dashboard", "streamlit"):
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise UserError(
                f"The package {package} is not installed in {sys.prefix}: run `pip install .` in "
                "the repository, or install its wheel."
            )
        origins[package] = spec.origin
    page = str(Path(origins["dashboard"]).with_name("app.py"))
    command = [sys.executable, "-m", "streamlit", "run", page, "--server.port", str(port)]
    for name in [*LOOPBACK, *hosts] if hosts else ():  # without: those of the file
        command += ["--server.allowedHosts", name]
    if media:
        os.environ[media_roots.VARIABLE] = media
    os.execv(sys.executable, [*command, "--", "--workspace", workspace])
