"""The map's JavaScript as one module: Streamlit takes a component as one text.

The files beside this one are ES modules, and they import each other by name. Here they are put
below each other in the order of their imports, without the `import` lines and the word `export`;
only `main.js` keeps its default export. All names at the top of the files differ.
"""

import functools
import re
from pathlib import Path

FOLDER = Path(__file__).parent
IMPORT = re.compile(r'^import [^;]*? from "\./(\w+)\.js";\n', re.MULTILINE | re.DOTALL)
EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)


@functools.cache
def script() -> str:
    """The whole component, with its default export."""
    return "\n".join(EXPORT.sub("", IMPORT.sub("", source(name))) for name in in_order("main"))


@functools.cache
def style() -> str:
    """The component's style sheet."""
    return (FOLDER / "map.css").read_text("utf-8")


def source(name: str) -> str:
    """The text of one file."""
    return (FOLDER / f"{name}.js").read_text("utf-8")


def in_order(name: str, before: tuple[str, ...] = ()) -> tuple[str, ...]:
    """A module and all that it imports, each after those that it imports itself."""
    for needed in IMPORT.findall(source(name)):
        before = in_order(needed, before)
    return before if name in before else (*before, name)
