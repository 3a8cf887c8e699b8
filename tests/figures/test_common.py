"""Escaped text, file names, the exported page."""

import pandas as pd

from core.figures import common, curves

EVIL = "<b onclick='x'>%{x}</b>&"


def test_an_exported_page_shows_names_letter_by_letter() -> None:
    assert "%{x}<" not in common.safe(EVIL)
    fig = curves.training(pd.DataFrame({"epoch": [1], "train_loss": [0.5]}))
    page = common.to_html(fig, EVIL, {"study": EVIL}, dark=False).decode()
    assert "<b onclick" not in page


def test_file_names_are_plain() -> None:
    assert common.file_name("A/../b", "<x>", "") == "a-b_x"
    assert common.file_name("///") == "figure"
