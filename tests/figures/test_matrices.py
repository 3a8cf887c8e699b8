"""Confusion matrices: cells, empty rows, columns of new classes, escaped names."""

import numpy as np

from core.figures import matrices

EVIL = "<b onclick='x'>%{x}</b>&"
HOSTILE = "<img src=x onerror=alert(1)>%{x}"
CLASSES = ["banjo", "cello", "<b>drums</b>"]


def test_names_are_shown_letter_by_letter() -> None:
    text = matrices.confusion(np.eye(2), [EVIL, "b"], dark=False).to_json()
    assert "onclick='x'" not in text
    assert "<b onclick" not in text


def test_a_confusion_matrix_has_a_custom_value_per_cell() -> None:
    counts = np.array([[3, 1], [0, 2]])
    cells = np.array([["a~a", "a~b"], ["b~a", "b~b"]], dtype=object)
    made = matrices.confusion(counts, ["a", "b"], dark=False, by_row=True, cells=cells)
    heat, marks = made.data
    np.testing.assert_allclose(heat.z, [[0.75, 0.25], [0, 1]])
    assert list(marks.customdata) == ["a~a", "a~b", "b~a", "b~b"]
    assert list(marks.text) == ["0.75", "0.25", "", "1.00"]


def test_a_class_without_items_has_an_empty_row() -> None:
    made = matrices.confusion(np.zeros((2, 2)), ["a", "b"], dark=True, by_row=True)
    assert np.isfinite(made.data[0].z).all()


def test_new_classes_are_columns_without_a_row() -> None:
    counts = np.array([[3, 1, 0, 2], [0, 4, 1, 0], [0, 0, 5, 0]])
    made = matrices.confusion(counts, CLASSES, False, new=[HOSTILE], marked=("banjo", HOSTILE))
    assert np.asarray(made.data[0].z).shape == (3, 4)
    assert made.layout.xaxis.ticktext[3].startswith("+ &lt;img")
    assert len(made.layout.yaxis.ticktext) == 3
    texts = np.asarray(made.data[1].text).reshape(3, 4)
    assert texts[0].tolist() == ["3", "1", "", "2"]
    assert "<img" not in made.to_json()
    rings = [shape for shape in made.layout.shapes if shape.type == "rect"]
    assert (rings[0].x0, rings[0].y0) == (2.5, -0.5)
    line = [shape for shape in made.layout.shapes if shape.type == "line"]
    assert line[0].x0 == 2.5


def test_distances_are_drawn_up_to_a_shared_top() -> None:
    matrix = np.array([[0.0, 1.5], [1.5, 0.0]])
    made = matrices.distances(matrix, [("audio", EVIL), ("image", "b")], top=2.0, title=EVIL)
    np.testing.assert_array_equal(made.data[0].z, matrix)
    assert made.data[0].zmax == 2.0
    assert made.layout.yaxis.ticktext[1] == "◆ b"
    assert "<b onclick" not in made.to_json()
