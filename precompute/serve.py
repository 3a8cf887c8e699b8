"""`dashboard`: start the installed dashboard on a workspace."""

import importlib.util
import os
import sys
from pathlib import Path

from core.errors import UserError


def run(workspace: str, port: int) -> None:
    """Replace this process with Streamlit, on this machine's address alone.

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
    os.execv(sys.executable, [*command, "--", "--workspace", workspace])
