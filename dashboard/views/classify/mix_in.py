"""Mix-in curves: macro F1 from zero-shot to all data (W figure 3)."""

from functools import partial

import pandas as pd
import streamlit as st

from core.figures import curves, theme
from core.references import counterparts, wu2021
from core.references.counterparts import Counterpart
from core.references.reference import find
from core.studies import headlines
from core.studies.forest_cells import COMBINED
from core.studies.mix_in import line
from dashboard.page import Page
from dashboard.shared import paper, summaries, widgets
from dashboard.views.classify.confusions import TARGETS

ZERO_SHOT = find(wu2021.REPORTED, "zero_shot_share")


def show(page: Page, rows: pd.DataFrame) -> None:
    st.subheader("From zero-shot to all data", anchor=False)
    rows = rows[rows["metric"] == "macro_f1"]
    if rows.empty:
        widgets.small("No mix-in curve is stored for this encoder set.")
        return
    beside = counterparts.mix_in(rows)
    targets = [name for name in TARGETS if (rows["target"] == name).any()]
    for start in range(0, len(targets), 2):
        places = st.columns(2, gap="medium")
        for place, target in zip(places, targets[start : start + 2], strict=False):
            with place:
                curve(page, rows[rows["target"] == target], target, beside)
    widgets.small(
        "MMT, MMP and SMT are trained on all items of the other modality and on n items of the "
        "tested one, balanced over classes: MMT in the translated space, MMP in PCA. SMA and SMI "
        "are trained on the tested modality alone: with the same n items, and with all of them "
        "(dashed). Boxes show draws and splits."
    )
    if (rows["system"] == COMBINED).any():
        widgets.small(
            "SMT is not in W's paper. It multiplies the probabilities of two linear classifiers: "
            "one in the translated space, which starts from the other modality, and one in PCA, "
            "trained on the n items alone. Their weights are chosen with held-out training items. "
            "The spaces are centred with unlabelled items of the translation subset."
        )
    paper.show(page, beside)


def curve(page: Page, rows: pd.DataFrame, target: str, beside: list[Counterpart]) -> None:
    widgets.kicker(f"tested on {theme.MODALITY_PLURALS[target]}")
    single = headlines.summary(line(rows), ["target"])
    chance = float(rows["chance"].mean())
    share = summaries.zero_shot_share(rows, target)
    widgets.show(
        partial(
            curves.mix_in,
            rows,
            target,
            float(single["mean"].iloc[0]) if len(single) else None,
            chance,
            widgets.dark(),
            reported(rows, share[0]) if share else None,
        ),
        page,
        f"mix_in_{target}",
        f"Mix-in curves tested on {theme.MODALITY_PLURALS[target]}",
        table=rows,
        more=paper.facts(page, beside),
    )
    if share is None:
        return
    n = int(rows["n"].median())
    runs = headlines.summary(rows[rows["n_target"] == 0], ["system"])
    over = summaries.runs_text(runs.max(numeric_only=True))
    widgets.numbers(
        [
            (
                "zero-shot share",
                f"{share[0]:.0%}",
                f"of the best, {share[1]}; W: {ZERO_SHOT.reported}",
                f"MMT trained without any {theme.MODALITY_NAMES[target]}, n = {n:,} test items, "
                f"chance {chance:.3f}, {over}.",
            )
        ]
    )


def reported(rows: pd.DataFrame, share: float) -> tuple[str, float] | None:
    """W's zero-shot share, as macro F1 of this study's best system, and its label."""
    if share <= 0 or ZERO_SHOT.high is None:
        return None
    zero = rows[(rows["system"] == "MMT") & (rows["n_target"] == 0)]
    best = float(headlines.summary(zero, ["target"])["mean"].iloc[0]) / share
    return f"W: {ZERO_SHOT.reported} of the best", ZERO_SHOT.high * best
