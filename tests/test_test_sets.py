"""Test datasets: short names, the names of their artefacts, classes that two datasets share."""

from core import taxonomy, test_sets


def test_a_name_is_the_last_part_of_the_path_and_each_is_used_once() -> None:
    found = test_sets.names(
        ["folder:/a/real.media", "demo", "table:/b/items.csv", "table:/c/items"]
    )
    assert list(found) == ["real", "demo", "items", "items-2"]
    assert found["items-2"] == "table:/c/items"


def test_the_end_of_an_artefact_s_name_gives_the_test_set_back() -> None:
    assert test_sets.name_of(f"evaluate:a+b:0{test_sets.end('real')}") == "real"
    assert test_sets.name_of(f"evaluate:a+b:0{test_sets.end('')}") == ""


def test_classes_are_the_same_by_spelling_or_by_their_node() -> None:
    tested = ["Violin, fiddle", "GUITAR", "kazoo", "french_horn"]
    own = ["violin", "guitar", "french horn", "drums"]
    found = test_sets.same_classes(tested, own, taxonomy.demo())
    assert found == {
        "Violin, fiddle": "violin",
        "GUITAR": "guitar",
        "french_horn": "french horn",
    }
    plain = test_sets.same_classes(tested, own, taxonomy.flat())
    assert "Violin, fiddle" not in plain
    assert plain["GUITAR"] == "guitar"
