"""Mix-in curves: macro F1 from zero-shot to all data (W figure 3)."""

import pandas as pd
import streamlit as st

from dashboard import summaries, theme, widgets
from dashboard.figures import curves
from dashboard.page import Page


def show(page: Page, rows: pd.DataFrame) -> None:
    st.subheader("From zero-shot to all data", anchor=False)
    rows = rows[rows["metric"] == "macro_f1"]
    if rows.empty:
        widgets.small("No mix-in curve is stored for this pair.")
        return
    for place, target in zip(st.columns(2, gap="medium"), ("image", "audio"), strict=True):
        with place:
            curve(page, rows[rows["target"] == target], target)
    widgets.small(
        "Both systems learn from all of the other modality, and from n examples of the tested one, "
        "balanced over classes; MMT in the translated space, MMP in PCA. The dashed line learns "
        "from the tested modality alone. Boxes span the draws and splits."
    )


def curve(page: Page, rows: pd.DataFrame, target: str) -> None:
    if rows.empty:
        widgets.small(f"No mix-in curve is stored for {theme.MODALITY_PLURALS[target]}.")
        return
    widgets.kicker(f"tested on {theme.MODALITY_PLURALS[target]}")
    single = rows[rows["system"].isin(["SMA", "SMI"])]
    one = summaries.spread(single, ["target"])
    chance = float(rows["chance"].mean())
    made = curves.mixin(
        rows[rows["system"].isin(["MMT", "MMP"])],
        target,
        float(one["mean"].iloc[0]) if len(one) else None,
        chance,
        widgets.dark(),
    )
    widgets.show(
        made,
        page.handle,
        f"mixin_{target}",
        f"Mix-in curves tested on {theme.MODALITY_PLURALS[target]}",
        pair=page.pair,
        table=rows,
    )
    share = summaries.zero_shot_share(rows, target)
    if share:
        n = int(rows["n"].median())
        runs = summaries.spread(rows[rows["n_target"] == 0], ["system"])
        over = summaries.runs_text(int(runs["runs"].max()), int(runs["splits"].max()))
        widgets.numbers(
            [
                (
                    "zero-shot share",
                    f"{share[0]:.0%}",
                    f"of the best, {share[1]}",
                    f"MMT without a single {theme.MODALITY_NAMES[target]}, n = {n:,} test items, "
                    f"chance {chance:.3f}, {over}. W reports almost 70%.",
                )
            ]
        )
