"""How well words alone classify in the stored study: by wording and by tag, beside S's numbers."""

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from core.figures import tags as figures
from core.figures import theme
from core.references import zero_shot
from core.studies import headlines
from dashboard import data, session
from dashboard.page import Page
from dashboard.shared import paper, summaries, widgets

N_ENDS = 20  # best and worst tags that are drawn, if there are more than twice as many
TITLES = {  # (metric, kind of direction) -> title
    ("accuracy", ""): "accuracy",
    ("roc_auc", "retrieval"): "ROC-AUC by tag",
    ("pr_auc", "retrieval"): "PR-AUC by tag",
    ("roc_auc", "annotation"): "ROC-AUC by item",
    ("pr_auc", "annotation"): "PR-AUC by item",
}


def show(page: Page, rows: pd.DataFrame) -> None:
    chosen = session.current()
    st.subheader("How well words alone tag", anchor=False)
    rows = rows[rows["target"] == chosen.tagged]
    frozen_and_tuned(page, rows)
    rows = rows[rows["space"] == chosen.tagged_in]
    overall = rows[(rows["class"] == "") & (rows["metric"] != "confusion")]
    if overall.empty:
        widgets.small("No number is stored for this space: choose another.")
        return
    table = by_wording(overall)
    widgets.small(effect(table))
    measures(page, table, overall)
    seen_and_unseen(overall)
    name, tag_list = (str(page.study.dataset.get(key, "")) for key in ("name", "tag_list"))
    reported = zero_shot.counterparts(rows, name, tag_list)
    paper.show(page, reported, space=chosen.tagged_in)
    if sizes := zero_shot.said_of_sizes(name):
        widgets.small(sizes)
    by_tag(page, rows)


def frozen_and_tuned(page: Page, rows: pd.DataFrame) -> None:
    """The generation spaces of a frozen and of a fine-tuned text encoder side by side, if the study
    has both: every measure of every wording."""
    mine = rows[rows["space"].isin(data.GENERATED) & (rows["class"] == "")]
    mine = mine[mine["metric"] != "confusion"]
    if mine["space"].nunique() < len(data.GENERATED):
        return
    parts = [
        by_wording(mine[mine["space"] == space]).assign(text=name)
        for space, name in zip(data.GENERATED, ("frozen", "fine-tuned"), strict=True)
    ]
    table = pd.concat(parts)
    cells = table.assign(
        shown=[
            f"{summaries.number(row['mean'])} {summaries.std_or_interval(row)}".strip()
            for _, row in table.iterrows()
        ]
    ).pivot_table(index=["system", "title"], columns="text", values="shown", aggfunc="first")
    chance = table.groupby(["system", "title"])["chance"].mean().map(summaries.number)
    side = cells[["frozen", "fine-tuned"]].assign(chance=chance).reset_index()
    side = side.rename(columns={"system": "wording", "title": "measure"})
    widgets.kicker("text encoder frozen and fine-tuned (S §IV)")
    st.dataframe(side, hide_index=True)
    widgets.csv_button(side, page, "frozen_and_tuned")


def by_wording(overall: pd.DataFrame) -> pd.DataFrame:
    """One row per wording and measure: `system, title, mean, sd, runs, splits, n, chance`."""
    direction = overall["direction"]
    kind = np.where(direction.str.startswith("text_to_"), "retrieval", "annotation")
    kind = np.where(direction == "", "", kind)
    titles = [TITLES.get(key, "") for key in zip(overall["metric"], kind, strict=True)]
    named = overall.assign(title=titles)
    return headlines.summary(named[named["title"] != ""], ["system", "title"])


def effect(table: pd.DataFrame) -> str:
    """The effect of the wording on the first measure, in a sentence."""
    title = "accuracy" if (table["title"] == "accuracy").any() else "ROC-AUC by tag"
    rows = table[table["title"] == title]
    if len(rows) < 2:
        return f"One wording is stored, so the effect of wording on {title} is not known."
    low, high = rows.loc[rows["mean"].idxmin()], rows.loc[rows["mean"].idxmax()]
    text = (
        f"{title[0].upper()}{title[1:]} moves from {low['mean']:.2f} (“{low['system']}”) to "
        f"{high['mean']:.2f} (“{high['system']}”) with the wording; chance is {low['chance']:.2f}."
    )
    n, p = int(low["n"]), float(high["mean"])
    if title == "accuracy" and n > 0:
        error = 1.96 * np.sqrt(max(p * (1 - p), 1e-9) / n)
        text += f" Measured on {n:,} items, each is known to ±{error:.2f} (95 %)."
    return text


def measures(page: Page, table: pd.DataFrame, overall: pd.DataFrame) -> None:
    """Every stored wording with its measures, each as mean ± std."""
    texts = [
        f"{summaries.number(row['mean'])} {summaries.std_or_interval(row)}".strip()
        for _, row in table.iterrows()
    ]
    cells = table.assign(text=texts).pivot_table(
        index="system", columns="title", values="text", aggfunc="first", sort=False
    )
    chance = table.groupby("title", sort=False)["chance"].mean()
    titles = [title for title in TITLES.values() if title in cells]
    shown = cells[titles].reset_index().rename(columns={"system": "wording"})
    last = {"wording": "chance", **{title: f"{chance[title]:.3f}" for title in titles}}
    st.dataframe(pd.concat([shown, pd.DataFrame([last])]), hide_index=True)
    first = table.iloc[0]
    runs = summaries.runs_text(first)
    plural = theme.MODALITY_PLURALS[session.current().tagged]
    widgets.small(
        f"Over the held-out {plural} (subset test), {runs}. By tag: does a tag rank its own items "
        "first? By item: does an item rank its own tags first? (S's retrieval and annotation.) "
        "Accuracy is of items with exactly one tag."
    )
    widgets.csv_button(overall, page, "zeroshot_wordings")


def seen_and_unseen(overall: pd.DataFrame) -> None:
    """The measures over all tags, those that the training's texts name, and the others."""
    counted = overall[overall["metric"] == "tags_seen"]
    if counted.empty:
        return
    n_seen, n = round(counted["value"].mean()), int(counted["n"].iloc[0])
    if n_seen in (0, n):
        which = "None" if n_seen == 0 else "All"
        widgets.small(
            f"{which} of the {n:,} tags occur in the texts that the space was trained on, with "
            "their words or a synonym's."
        )
        return
    wording = session.current().wording
    systems = overall["system"]
    wording = wording if (systems == wording).any() else str(systems.iloc[0])
    mine = overall[systems == wording]
    parts = {}
    for name, end in (("all", ""), ("seen", "_seen"), ("unseen", "_unseen")):
        part = mine[mine["metric"].isin([f"{metric}{end}" for metric, _ in TITLES])]
        part = part.assign(metric=part["metric"].str.removesuffix(end) if end else part["metric"])
        parts[name] = by_wording(part).set_index("title")
    shown = [
        {
            "measure": title,
            **{
                column: f"{summaries.number(table.loc[title, 'mean'])} "
                f"(chance {summaries.number(table.loc[title, 'chance'])})"
                for column, table in parts.items()
                if title in table.index
            },
        }
        for title in TITLES.values()
        if title in parts["all"].index
    ]
    widgets.kicker(f"seen and unseen tags, in the wording “{wording}”")
    st.dataframe(pd.DataFrame(shown), hide_index=True)
    widgets.small(
        f"{n_seen:,} of {n:,} tags are seen: the texts that the space was trained on have their "
        "words or a synonym's. Items are annotated among seen tags alone, and among unseen ones."
    )


def by_tag(page: Page, rows: pd.DataFrame) -> None:
    """ROC-AUC and PR-AUC of each class of the collection, the best first."""
    chosen = session.current()
    stored = rows[(rows["class"] != "") & (rows["direction"] == f"text_to_{chosen.tagged}")]
    if stored.empty:
        return
    wordings = stored["system"]
    wording = chosen.wording if (wordings == chosen.wording).any() else str(wordings.iloc[0])
    table = headlines.summary(stored[wordings == wording], ["class", "metric"])
    wide = table.pivot_table(index="class", columns="metric", values="mean", sort=False)
    prevalence = table[table["metric"] == "pr_auc"].set_index("class")["chance"]
    frame = wide.assign(prevalence=prevalence).reset_index().rename(columns={"class": "tag"})
    drawn = ordered = frame.sort_values("roc_auc", ascending=False, ignore_index=True)
    note = ""
    if len(ordered) > 2 * N_ENDS:
        drawn = pd.concat([ordered.head(N_ENDS), ordered.tail(N_ENDS)])
        note = f" The best and the worst {N_ENDS} of {len(ordered):,} tags are drawn."
    unseen = [str(name) for name in stored["class"][stored["other"] == "unseen"].unique()]
    marked = unseen if len(unseen) < len(ordered) else []
    colours = theme.class_colours(page.study.classes)
    st.subheader("Best and worst tags", anchor=False)
    widgets.show(
        partial(figures.areas, drawn, colours, widgets.dark(), marked),
        page,
        f"zeroshot_tags_{chosen.tagged}",
        f"Areas under the curves of every tag on {theme.MODALITY_PLURALS[chosen.tagged]}",
        table=ordered,
        more={"wording": wording, "space": chosen.tagged_in},
    )
    if marked:
        note += f" Hatched: unseen in training ({', '.join(marked[:N_ENDS])})."
    best, worst = ", ".join(ordered["tag"].head(3)), ", ".join(ordered["tag"].tail(3)[::-1])
    widgets.small(
        f"In the wording “{wording}”: best {best}; worst {worst}. The marks are chance.{note} "
        f"{zero_shot.said_of_tags(str(page.study.dataset['name']))}"
    )
