"""The map's JavaScript as one module: everything in it, in order, and nothing from elsewhere."""

import re

from dashboard.map_component import bundle


def test_every_file_is_in_the_bundle_once() -> None:
    names = bundle.in_order("main")
    files = {path.stem for path in bundle.FOLDER.glob("*.js")}
    assert set(names) == files
    assert len(names) == len(files)
    assert names[-1] == "main"


def test_a_file_comes_after_those_that_it_imports() -> None:
    names = bundle.in_order("main")
    for name in names:
        for needed in bundle.IMPORT.findall(bundle.source(name)):
            assert names.index(needed) < names.index(name)


def test_one_default_export_and_no_imports_are_left() -> None:
    script = bundle.script()
    assert re.findall(r"^export .*", script, re.MULTILINE) == [
        "export default function ({ data, parentElement, setTriggerValue }) {"
    ]
    assert not re.search(r"^import ", script, re.MULTILINE)


def test_names_at_the_top_differ() -> None:
    declared = re.findall(
        r"^(?:async )?(?:const|let|class|function) (\w+)", bundle.script(), re.MULTILINE
    )
    assert len(declared) == len(set(declared))


def test_nothing_is_loaded_from_another_server() -> None:
    addresses = set(re.findall(r"https?://[^\s\"'`]+", bundle.script() + bundle.style()))
    assert addresses == {"http://www.w3.org/2000/svg"}  # a name, not an address
