"""What the stored study says of words as classifiers: by wording, by tag; S's numbers beside."""

import numpy as np
import pandas as pd
import streamlit as st

from core.figures import tags as figures
from core.figures import theme
from core.references import zero_shot
from core.studies import headlines
from dashboard import session
from dashboard.page import Page
from dashboard.shared import paper, summaries, widgets

N_ENDS = 20  # best and worst tags drawn, of more than twice as many
COLUMNS = {  # (metric, kind of direction) -> title
    ("accuracy", ""): "accuracy",
    ("roc_auc", "retrieval"): "ROC-AUC by tag",
    ("pr_auc", "retrieval"): "PR-AUC by tag",
    ("roc_auc", "annotation"): "ROC-AUC by item",
    ("pr_auc", "annotation"): "PR-AUC by item",
}


def show(page: Page, rows: pd.DataFrame) -> None:
    chosen = session.current()
    st.subheader("How well words alone tag", anchor=False)
    mine = rows[(rows["target"] == chosen.tagged) & (rows["space"] == chosen.tagged_in)]
    overall = mine[(mine["class"] == "") & (mine["metric"] != "confusion")]
    if overall.empty:
        widgets.small("No number is stored for this space: choose another.")
        return
    table = by_wording(overall)
    widgets.small(moved(table))
    wordings(page, table, overall)
    beside = zero_shot.counterparts(mine, str(page.study.dataset["name"]), len(page.study.classes))
    paper.show(paper.of_encoder_set(page), beside)
    by_tag(page, mine)


def by_wording(overall: pd.DataFrame) -> pd.DataFrame:
    """One row a wording and measure: `system, what, mean, sd, runs, splits, n, chance`."""
    asking = overall["direction"].str.startswith("text_to_")
    kind = np.where(overall["direction"] == "", "", np.where(asking, "retrieval", "annotation"))
    what = [
        COLUMNS.get((metric, task), "")
        for metric, task in zip(overall["metric"], kind, strict=True)
    ]
    named = overall.assign(what=what)
    return headlines.summary(named[named["what"] != ""], ["system", "what"])


def moved(table: pd.DataFrame) -> str:
    """By how much the first measure moves with the wording, in a sentence."""
    what = "accuracy" if (table["what"] == "accuracy").any() else "ROC-AUC by tag"
    mine = table[table["what"] == what]
    if len(mine) < 2:
        return f"One wording is stored, so the effect of wording on {what} is not known."
    low, high = mine.loc[mine["mean"].idxmin()], mine.loc[mine["mean"].idxmax()]
    name = what if what.startswith("ROC") else what.capitalize()
    text = f"{name} moves from {low['mean']:.2f} (“{low['system']}”) to {high['mean']:.2f} (“"
    text += f"{high['system']}”) with the wording; chance is {low['chance']:.2f}."
    n = int(low["n"])
    if what == "accuracy" and n > 0:
        p = float(high["mean"])
        error = 1.96 * np.sqrt(max(p * (1 - p), 1e-9) / n)
        text += f" Measured on {n:,} items, each is known to ±{error:.2f} (95 %)."
    return text


def wordings(page: Page, table: pd.DataFrame, overall: pd.DataFrame) -> None:
    """Every stored wording with its measures, each as mean ± spread."""
    cells = table.assign(
        text=[
            f"{summaries.number(row['mean'])} {summaries.std_or_interval(row)}".strip()
            for _, row in table.iterrows()
        ]
    ).pivot_table(index="system", columns="what", values="text", aggfunc="first", sort=False)
    chance = table.groupby("what", sort=False)["chance"].mean()
    columns = [title for title in COLUMNS.values() if title in cells]
    shown = cells[columns].reset_index().rename(columns={"system": "wording"})
    last = {"wording": "chance", **{title: f"{chance[title]:.3f}" for title in columns}}
    st.dataframe(pd.concat([shown, pd.DataFrame([last])]), hide_index=True)
    first = table.iloc[0]
    over = summaries.runs_text(int(first["runs"]), int(first["splits"]))
    things = theme.MODALITY_PLURALS[session.current().tagged]
    widgets.small(
        f"Over the held-out {things} (subset test), {over}. By tag: does a tag rank its own items "
        "first? By item: does an item rank its own tags first? (S's retrieval and annotation.) "
        "Accuracy is of items with exactly one tag."
    )
    widgets.csv_button(overall, page.handle, "zeroshot_wordings", encoder_set=page.encoder_set)


def by_tag(page: Page, mine: pd.DataFrame) -> None:
    """ROC-AUC and PR-AUC of each class of the collection, the best first."""
    chosen = session.current()
    asked = f"text_to_{chosen.tagged}"
    stored = mine[(mine["class"] != "") & (mine["direction"] == asked)]
    if stored.empty:
        return
    wording = chosen.wording if (stored["system"] == chosen.wording).any() else ""
    wording = wording or str(stored["system"].iloc[0])
    table = headlines.summary(stored[stored["system"] == wording], ["class", "metric"])
    wide = table.pivot_table(index="class", columns="metric", values="mean", sort=False)
    prevalence = table[table["metric"] == "pr_auc"].set_index("class")["chance"]
    frame = wide.assign(prevalence=prevalence).reset_index().rename(columns={"class": "tag"})
    ordered = frame.sort_values("roc_auc", ascending=False, ignore_index=True)
    drawn = ordered
    said = ""
    if len(ordered) > 2 * N_ENDS:
        drawn = pd.concat([ordered.head(N_ENDS), ordered.tail(N_ENDS)])
        said = f" The best and the worst {N_ENDS} of {len(ordered):,} tags are drawn."
    st.subheader("Best and worst tags", anchor=False)
    widgets.show(
        figures.areas(drawn, theme.class_colours(page.study.classes), widgets.dark()),
        page.handle,
        f"zeroshot_tags_{chosen.tagged}",
        f"Areas under the curves of every tag on {theme.MODALITY_PLURALS[chosen.tagged]}",
        encoder_set=page.encoder_set,
        table=ordered,
        more={"wording": wording, "space": chosen.tagged_in},
    )
    best, worst = ", ".join(ordered["tag"].head(3)), ", ".join(ordered["tag"].tail(3)[::-1])
    widgets.small(
        f"In the wording “{wording}”: best {best}; worst {worst}. The marks are chance.{said} "
        f"{zero_shot.said_of_tags(str(page.study.dataset['name']))}"
    )
