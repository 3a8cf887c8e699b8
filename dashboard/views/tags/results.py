"""The items of the open tag, its scores and its curves."""

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from core.errors import UserError
from core.figures import tags as figures
from core.figures import theme
from core.studies import zero_shot
from dashboard import session
from dashboard.page import Page
from dashboard.shared import cards, map_panel, open_items, widgets
from dashboard.views.tags.scored_tags import ScoredTags

N_CARDS, N_COLUMNS = 12, 6
MAX_RINGS = 300  # around found items on the map
MAX_CURVES = 60  # of other tags, behind the open one's


def show(page: Page, scored: ScoredTags) -> None:
    tag, gallery = scored.open_tag, scored.gallery
    row = scored.table.iloc[scored.row(tag)]
    label = str(row["label"])
    st.subheader(f"Items of “{widgets.md(tag[:80])}”", anchor=False)
    if not row["known"]:
        widgets.small("The encoder knows no word of this tag, so it finds nothing.")
        return
    scores = scored.scores(tag)
    if not len(scores):
        widgets.small(f"The collection has no {gallery.plural}.")
        return
    share = st.slider(
        f"Threshold: the share of the {gallery.plural} that the tag finds, in percent",
        1,
        50,
        **session.bound("keep"),
    )
    n_kept = max(1, round(len(scores) * share / 100))
    order = np.argsort(-scores, kind="stable")
    threshold = float(scores[order[n_kept - 1]])
    has_label = gallery.has_label(label) if label else np.zeros(len(scores), dtype=bool)
    widgets.numbers(headline(scored, scores, scores >= threshold, has_label, label))
    shown = order[: min(N_CARDS, n_kept)]
    cards.grid(
        page.handle,
        [str(item_id) for item_id in gallery.vectors.item_ids[shown]],
        key="tagged",
        notes=[f"{scores[one]:.2f}{', has the label' if has_label[one] else ''}" for one in shown],
        columns=N_COLUMNS,
        on_open=cards.open_item,
    )
    if n_kept > len(shown):
        widgets.small(f"The best {len(shown)} of the {n_kept:,} above the threshold.")
    on_the_map(page, [str(one) for one in gallery.vectors.item_ids[order[:n_kept]]], tag)
    export(page, scored, scores, order[:n_kept], has_label)
    open_items.show(page, key="tagged", title="open", n_shown=1)
    left, right = st.columns([1.0, 1.35], gap="large")
    with left:
        widgets.show(
            partial(
                figures.distribution,
                scores,
                threshold,
                widgets.dark(),
                has_label if label else None,
                label,
            ),
            page,
            "tag_scores",
            f"Cosines of all {gallery.plural} with the tag {tag[:80]}",
            more=scored.provenance,
            own=scored.own,
        )
        widgets.small(f"All {len(scores):,} {gallery.plural} of the collection.")
    with right:
        curves(page, scored, threshold)


def on_the_map(page: Page, found: list[str], tag: str) -> None:
    """Where the found items are on the map of the translated space."""
    try:
        map_panel.show(
            page,
            [map_panel.Side(page.handle, page.encoder_set, "translation", "On the map")],
            key="tag_map",
            name="tag_map",
            title=f"The items found by the tag {tag[:80]} on the map",
            height_px=380,
            method="umap",
            found=found[:MAX_RINGS],
            compact=True,
        )
    except UserError as error:
        widgets.notice(str(error))
        return
    n = min(len(found), MAX_RINGS)
    widgets.small(f"Rings mark the best {n:,} of the {len(found):,} items that the tag finds.")


def headline(
    scored: ScoredTags, scores: np.ndarray, above: np.ndarray, has_label: np.ndarray, label: str
) -> list[tuple[str, str, str, str]]:
    """The scale of the scores; of a class, precision and recall at the threshold."""
    n, n_above, plural = len(scores), int(above.sum()), scored.gallery.plural
    median = f"the median of all {n:,} {plural} is {np.median(scores):.2f}"
    lowest = f"cosine {scores[above].min():.3f} or more"
    shown = [
        ("best cosine", f"{scores.max():.2f}", "", median),
        ("above the threshold", f"{n_above:,}", f"of {n:,}", lowest),
    ]
    if label and has_label.any():
        n_right, n_labelled = int((above & has_label).sum()), int(has_label.sum())
        return [
            *shown,
            (
                "precision",
                f"{n_right / n_above:.0%}",
                f"{n_right:,} of {n_above:,}",
                f"have the label; {n_labelled / n:.1%} of all {plural} are labelled {label}",
            ),
            (
                "recall",
                f"{n_right / n_labelled:.0%}",
                f"{n_right:,} of {n_labelled:,}",
                f"with the label are found; chance is the share kept, {above.mean():.0%}",
            ),
        ]
    classes = scored.gallery.items["class"].to_numpy()[above]
    names, counts = np.unique([name or "none or several" for name in classes], return_counts=True)
    best = np.argsort(-counts, kind="stable")[:3]
    listed = ", ".join(f"{names[one]} {counts[one]:,}" for one in best)
    return [
        *shown,
        ("most frequent class", str(names[best[0]]), "", f"{listed}; the tag is no class itself"),
    ]


def export(
    page: Page, scored: ScoredTags, scores: np.ndarray, kept: np.ndarray, has_label: np.ndarray
) -> None:
    """The items above the threshold as a table."""

    def table() -> pd.DataFrame:
        frame = scored.gallery.items.iloc[kept].reset_index()
        frame["labels"] = [", ".join(labels) for labels in frame["labels"]]
        return frame.assign(score=scores[kept], has_label=has_label[kept])

    tag = scored.open_tag
    with st.container(horizontal=True, horizontal_alignment="right"):
        widgets.csv_button(
            table,
            page,
            "tagged",
            key="csv_tagged",
            more={**scored.provenance, "tag": tag, "text": scored.texts[scored.row(tag)]},
        )


def curves(page: Page, scored: ScoredTags, threshold: float) -> None:
    """ROC and precision-recall curves of the tags that are classes, over the held-out items."""
    tag, held_out = scored.open_tag, scored.gallery.held_out
    row = scored.table.iloc[scored.row(tag)]
    label = str(row["label"])
    if not label or np.isnan(row["roc_auc"]):
        reason = (
            "no held-out item has the label, or all do"
            if label
            else "it is no class of the collection, so the right items are not known"
        )
        widgets.small(f"“{tag[:60]}” has no curves: {reason}.")
        return
    measured = scored.table[scored.table["roc_auc"].notna()].set_index("tag")["label"]
    drawn = [*[str(one) for one in measured.index if one != tag][:MAX_CURVES], tag]
    by_tag = {}
    for one in drawn:
        truth = scored.gallery.has_label(str(measured[one]))[held_out]
        by_tag[one] = zero_shot.curves(scored.scores(one)[held_out], truth)
    widgets.show(
        partial(
            figures.curves,
            by_tag,
            tag,
            float(row["prevalence"]),
            widgets.dark(),
            at=rates(scored, label, threshold),
            colours={tag: theme.class_colours(page.study.classes)[label]},
        ),
        page,
        "tag_curves",
        f"ROC and precision-recall curves of the tag {tag[:80]}",
        more=scored.provenance,
        own=scored.own,
    )
    text = (
        f"ROC-AUC {row['roc_auc']:.3f} (chance 0.5), PR-AUC {row['pr_auc']:.3f} (chance "
        f"{row['prevalence']:.3f}), over {int(held_out.sum()):,} held-out "
        f"{scored.gallery.plural}, {int(row['n']):,} of them with the label."
    )
    n_others, n_hidden = len(drawn) - 1, len(measured) - len(drawn)
    if n_others:
        text += f" The curves of {n_others} other tags are grey"
        text += f", {n_hidden} more are not drawn." if n_hidden else "."
    widgets.small(text)


def rates(scored: ScoredTags, label: str, threshold: float) -> tuple[float, float, float] | None:
    """False positive rate, recall and precision of the held-out items above the threshold; None
    if there are none.
    """
    held_out = scored.gallery.held_out
    above = scored.scores(scored.open_tag)[held_out] >= threshold
    truth = scored.gallery.has_label(label)[held_out]
    if not above.any():
        return None
    hits = float((above & truth).sum())
    return (
        float((above & ~truth).sum() / max(1, int((~truth).sum()))),
        hits / max(1, int(truth.sum())),
        hits / float(above.sum()),
    )
