"""Which folders a workspace may take its media from, so that a stranger's cannot name any.

A workspace's own folder is always allowed. Others are those that this person has computed a study
of on this machine, and those that are named in the environment variable `JEE_MEDIA` (with `:`
between them) or by `python -m precompute dashboard W --media FOLDER`.
"""

import os
from pathlib import Path

from core.errors import MediaError
from core.store import Store

VARIABLE, STATE = "JEE_MEDIA", "JEE_STATE"
MOST_NOTED = 1_000


def note(store: Store, root: str) -> None:
    """Allow a root from now on, because this person has computed a study of it."""
    file, known = _state(), _noted()
    if not root or root in known or _is_below(root, str(store.root)):
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{one}\n" for one in [*known, root][-MOST_NOTED:]), "utf-8")
    except OSError:  # no home that can be written: the variable still works
        return


def check(store: Store, root: str) -> None:
    """Check that the media of a workspace may come from here.

    Raises
    ------
    MediaError
        Nobody has allowed it.
    """
    named = os.environ.get(VARIABLE, "")
    given = [named] if "://" in named else named.split(os.pathsep)
    allowed = [str(store.root), *filter(None, given), *_noted()]
    if not any(_is_below(root, one) for one in allowed):
        raise MediaError(
            f"The media of this workspace are in {root}, and nobody has allowed that here: if "
            f"you trust it, run `python -m precompute dashboard {store.root} --media {root}`."
        )


def _is_below(root: str, allowed: str) -> bool:
    if "://" in root or "://" in allowed:
        return ".." not in root and f"{root}/".startswith(f"{allowed.rstrip('/')}/")
    return Path(root).resolve().is_relative_to(Path(allowed).resolve())


def _noted() -> list[str]:
    try:
        return _state().read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def _state() -> Path:
    """The file of this person's own roots, one a line."""
    home = os.environ.get(STATE) or os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(home).expanduser() / "jee" / "media-roots"
