"""What the open tag found: its items, to be heard and seen, its scores, its curves."""

import numpy as np
import pandas as pd
import streamlit as st

from core.figures import tags as figures
from core.figures import theme
from core.studies import zero_shot
from dashboard import session
from dashboard.page import Page
from dashboard.shared import cards, open_items, widgets
from dashboard.views.tags import tagging, tags_table

N_CARDS, N_COLUMNS = 12, 6
MAX_CURVES = 60  # of other tags, behind the open one's


def show(page: Page, found: tagging.Tagged) -> None:
    tag = tags_table.open_tag(found)
    row = found.row(tag)
    label = str(found.table["label"].iloc[row])
    things = theme.MODALITY_PLURALS[found.where.modality]
    st.subheader(f"What “{widgets.md(tag[:80])}” found", anchor=False)
    if not found.known[row]:
        widgets.small("The encoder knows no word of this tag, so it finds nothing.")
        return
    scores = found.scores(tag)
    if not len(scores):
        widgets.small(f"The collection has no {things}.")
        return
    share = st.slider(
        f"Threshold: the best share of the {things} that the tag is said to find, in percent",
        1,
        50,
        **session.bound("keep"),
    )
    n_kept = max(1, round(len(scores) * share / 100))
    order = np.argsort(-scores, kind="stable")
    threshold = float(scores[order[n_kept - 1]])
    above = scores >= threshold
    bears = tagging.bearing(found.where, label) if label else np.zeros(len(scores), dtype=bool)
    widgets.numbers(headline(found, scores, above, bears, label, things))
    shown = order[: min(N_CARDS, n_kept)]
    cards.grid(
        page.handle,
        [str(item_id) for item_id in found.gallery.item_ids[shown]],
        key="tagged",
        notes=[f"{scores[one]:.2f}{', bears it' if bears[one] else ''}" for one in shown],
        columns=N_COLUMNS,
        on_open=cards.open_item,
    )
    if n_kept > len(shown):
        widgets.small(f"The best {len(shown)} of the {n_kept:,} above the threshold.")
    export(page, found, tag, scores, order[:n_kept], bears)
    open_items.show(page, key="tagged", title="open", n_shown=1)
    left, right = st.columns([1.0, 1.35], gap="large")
    with left:
        spread(page, found, tag, label, scores, bears, threshold)
    with right:
        curves(page, found, tag, label, threshold)


def headline(
    found: tagging.Tagged,
    scores: np.ndarray,
    above: np.ndarray,
    bears: np.ndarray,
    label: str,
    things: str,
) -> list[tuple[str, str, str, str]]:
    """The scale of the scores; of a class, how right the items above the threshold are."""
    n = len(scores)
    shown = [
        ("best cosine", f"{scores.max():.2f}", "", f"the median of all {n:,} {things} is "
         f"{np.median(scores):.2f}"),
        ("above the threshold", f"{int(above.sum()):,}", f"of {n:,}", f"cosine "
         f"{scores[above].min():.3f} or more"),
    ]  # fmt: skip
    if label and bears.any():
        right, n_bearing = int((above & bears).sum()), int(bears.sum())
        shown += [
            (
                "of them bear it",
                f"{right / int(above.sum()):.0%}",
                f"{right:,} of {int(above.sum()):,}",
                f"precision; {n_bearing / n:.1%} of all {things} are labelled {label}",
            ),
            (
                "found of those that do",
                f"{right / n_bearing:.0%}",
                f"{right:,} of {n_bearing:,}",
                f"recall; the share kept, {above.mean():.0%}, is chance",
            ),
        ]
    else:
        where = tagging.facts(found.where)["class"].to_numpy()[above]
        names, counts = np.unique([name or "none or several" for name in where], return_counts=True)
        best = np.argsort(-counts, kind="stable")[:3]
        what = ", ".join(f"{names[one]} {counts[one]:,}" for one in best)
        shown.append(
            ("mostly", str(names[best[0]]), "", f"{what}; the tag is no class of the collection")
        )
    return shown


def export(
    page: Page,
    found: tagging.Tagged,
    tag: str,
    scores: np.ndarray,
    kept: np.ndarray,
    bears: np.ndarray,
) -> None:
    """The items above the threshold as a table."""

    def table() -> pd.DataFrame:
        frame = tagging.facts(found.where).iloc[kept].reset_index()
        frame["labels"] = [", ".join(labels) for labels in frame["labels"]]
        return frame.assign(score=scores[kept], bears_it=bears[kept])

    with st.container(horizontal=True, horizontal_alignment="right"):
        widgets.csv_button(
            table,
            page.handle,
            "tagged",
            encoder_set=page.encoder_set,
            key="csv_tagged",
            more={**tags_table.facts(found), "tag": tag, "text": found.texts[found.row(tag)]},
        )


def spread(
    page: Page,
    found: tagging.Tagged,
    tag: str,
    label: str,
    scores: np.ndarray,
    bears: np.ndarray,
    threshold: float,
) -> None:
    things = theme.MODALITY_PLURALS[found.where.modality]
    widgets.show(
        figures.distribution(scores, threshold, widgets.dark(), bears if label else None, label),
        page.handle,
        "tag_scores",
        f"Cosines of all {things} with the tag {tag[:80]}",
        encoder_set=page.encoder_set,
        more=tags_table.facts(found),
    )
    widgets.small(f"Over all {len(scores):,} {things} of the collection.")


def curves(page: Page, found: tagging.Tagged, tag: str, label: str, threshold: float) -> None:
    """ROC and precision-recall curves of the tags that are classes, over the held-out items."""
    held_out = tagging.tested(found.where)
    named = found.table[found.table["roc_auc"].notna()]
    row = found.table.iloc[found.row(tag)]
    if not label or np.isnan(row["roc_auc"]):
        why = (
            "no held-out item bears it, or all do"
            if label
            else "it is no class of the collection, so nobody said which items are right"
        )
        widgets.small(f"“{tag[:60]}” has no curves: {why}.")
        return
    others = [str(one) for one in named["tag"] if one != tag][:MAX_CURVES]
    drawn = {}
    for one in [*others, tag]:
        truth = tagging.bearing(found.where, str(found.table["label"].iloc[found.row(one)]))
        drawn[one] = zero_shot.curves(found.scores(one)[held_out], truth[held_out])
    colours = theme.class_colours(page.study.classes)
    widgets.show(
        figures.curves(
            drawn,
            tag,
            float(row["prevalence"]),
            widgets.dark(),
            at=at_threshold(found, tag, label, held_out, threshold),
            colours={tag: colours[label]},
        ),
        page.handle,
        "tag_curves",
        f"ROC and precision-recall curves of the tag {tag[:80]}",
        encoder_set=page.encoder_set,
        more=tags_table.facts(found),
    )
    hidden = len(named) - 1 - len(others)
    more = f" {len(others)} other tags stand behind it" + (f", {hidden} more do not." if hidden
                                                          else ".")  # fmt: skip
    widgets.small(
        f"ROC-AUC {row['roc_auc']:.3f} (chance 0.5), PR-AUC {row['pr_auc']:.3f} (chance "
        f"{row['prevalence']:.3f}), over {int(held_out.sum()):,} held-out "
        f"{theme.MODALITY_PLURALS[found.where.modality]}, of which {int(row['n']):,} bear it."
        + (more if others else "")
    )


def at_threshold(
    found: tagging.Tagged, tag: str, label: str, held_out: np.ndarray, threshold: float
) -> tuple[float, float, float] | None:
    """False positive rate, recall and precision of the held-out items above the threshold; None
    where none is.
    """
    above = found.scores(tag)[held_out] >= threshold
    truth = tagging.bearing(found.where, label)[held_out]
    if not above.any():
        return None
    wrong = max(1, int((~truth).sum()))
    right = max(1, int(truth.sum()))
    return (
        float((above & ~truth).sum() / wrong),
        float((above & truth).sum() / right),
        float((above & truth).sum() / above.sum()),
    )
