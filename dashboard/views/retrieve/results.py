"""The results of a query: their scale, their cards, the list as a file and as a command."""

import shlex

import numpy as np
import streamlit as st

from core.errors import UserError
from core.figures import theme
from core.retrieval.query_inputs import WITHOUT
from core.retrieval.retriever import Answer, Filters, Retriever
from dashboard import data, session
from dashboard.page import Page
from dashboard.shared import cards, open_items, widgets
from dashboard.views.retrieve import query_timeline
from dashboard.views.retrieve.query_state import QueryEntry

N_COLUMNS = 5


def show(
    page: Page, retriever: Retriever, entries: list[QueryEntry], find: str, answer: Answer
) -> None:
    table = answer.results
    seconds = query_timeline.best_seconds(retriever, entries, answer, find)
    labels = labels_of(page, entries)
    st.subheader(f"Nearest {theme.MODALITY_PLURALS[find]}", anchor=False)
    widgets.numbers(headline(page, entries, find, answer, labels))
    widgets.small(f"Scores are cosines. {cards.PERCENTILE}")
    same_clip = {
        item_id
        for entry in entries
        if entry.item_id
        for item_id in data.same_clip(page.handle, entry.item_id)
    }
    notes = []
    for row in table.itertuples():
        note = cards.score_text(row.score, row.percentile)
        if row.item_id in same_clip:
            note += ", same clip"
        elif labels & set(row.labels):
            note += ", same class"
        if row.item_id in seconds:
            note += f", most similar to {seconds[row.item_id]}"
        notes.append(note)
    cards.grid(
        page.handle,
        list(table["item_id"]),
        key="found",
        notes=notes,
        columns=N_COLUMNS,
        on_open=cards.open_item,
    )
    export(page, entries, find, answer, seconds)
    open_items.show(page, key="retrieve", title="open", n_shown=1)


def other_modalities(
    page: Page, retriever: Retriever, entries: list[QueryEntry], find: str
) -> None:
    """For words alone: the nearest few items of every other modality too."""
    if not all(entry.words for entry in entries):
        return
    chosen = session.current()
    query = [weighted for entry in entries for weighted in entry.weighted]
    filters = Filters(chosen.classes, chosen.subsets)
    for kind in page.modalities:
        if kind == find:
            continue
        try:
            results = retriever.search(query, kind, N_COLUMNS, chosen.within, filters).results
        except UserError:
            continue  # the filters leave none of this modality
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            widgets.kicker(f"and the nearest {theme.MODALITY_PLURALS[kind]}")
            widgets.quiet_button("More", f"more_{kind}", session.change, find=kind)
        cards.grid(
            page.handle,
            list(results["item_id"]),
            key=f"also_{kind}",
            notes=[cards.score_text(row.score, row.percentile) for row in results.itertuples()],
            columns=N_COLUMNS,
            on_open=cards.open_item,
        )


def labels_of(page: Page, entries: list[QueryEntry]) -> set[str]:
    """The labels of the query's items with a weight above 0; uploads and words have none."""
    frame = data.items(page.handle)
    ids = [entry.item_id for entry in entries if entry.item_id and entry.weight > 0]
    return {label for item_id in ids for label in frame.loc[item_id, "labels"]}


def headline(
    page: Page, entries: list[QueryEntry], find: str, answer: Answer, labels: set[str]
) -> list[tuple[str, str, str, str]]:
    """The best score beside a random pair's, the size of the gallery, the classes found."""
    best = answer.results.iloc[0]
    pair = f"{theme.MODALITY_NAMES[entries[0].modality]} and {theme.MODALITY_NAMES[find]}"
    plural = theme.MODALITY_PLURALS[find]
    searched = "searched, after the filters"
    if any(entry.item_id and entry.modality == find for entry in entries):
        searched += ", without the query's own clip"
    percentile = f"above {best['percentile']:.1f}% of random pairs of {pair}"
    shown = [
        ("best match", f"{best['score']:.2f}", "cosine", percentile),
        ("a random pair", f"{answer.median_score:.2f}", "median", f"of {pair} in this space"),
        ("gallery", f"{answer.gallery_size:,}", plural, searched),
    ]
    n, found = len(answer.results), answer.results["labels"]
    if labels:
        frame = data.items(page.handle)
        gallery = frame[frame["modality"] == find]["labels"]
        chance = float(gallery.map(lambda names: bool(labels & set(names))).mean())
        n_same = sum(bool(labels & set(names)) for names in found)
        scale = f"{', '.join(sorted(labels))}: {chance:.1%} of all {plural}"
        return [*shown, ("same class", f"{n_same} of {n}", "", scale)]
    label = str(best["labels"][0]) if len(best["labels"]) else "unlabelled"
    n_same = sum(label in names for names in found)
    scale = f"the class of {n_same} of {n} results; the query has no class"
    return [*shown, ("first result", label, "", scale)]


def export(
    page: Page, entries: list[QueryEntry], find: str, answer: Answer, seconds: dict[str, str]
) -> None:
    chosen = session.current()
    table = answer.results.copy()
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    table["labels"] = [", ".join(labels) for labels in table["labels"]]
    if seconds:
        table["most_like"] = [seconds.get(item_id, "") for item_id in table["item_id"]]
    more = {
        "query": "; ".join(f"{entry.weight:g} × {entry.name}" for entry in entries),
        "found": f"{theme.MODALITY_PLURALS[find]} in {chosen.within}",
        "filters": f"classes {', '.join(chosen.classes) or 'all'}; "
        f"subsets {', '.join(chosen.subsets) or 'all'}",
        "gallery": str(answer.gallery_size),
        "a random pair": f"{answer.median_score:.4f} (median)",
        "searched": data.now(),
    }
    with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        if has_command(entries):
            with st.popover("As a command", type="tertiary", icon=":material/terminal:"):
                st.code(command(page, entries, find), language="bash")
        widgets.csv_button(
            table,
            page,
            "retrieved",
            key="csv_retrieved",
            more=more,
        )


def has_command(entries: list[QueryEntry]) -> bool:
    """Whether the command line can search the same: one whole file, words, or both."""
    uploads = [entry.upload for entry in entries if entry.upload]
    if len(uploads) > 1 or any(entry.item_id for entry in entries):
        return False
    if any(one.second is not None or one.use != "both" or one.weight != 1.0 for one in uploads):
        return False
    if len(entries) > 1 and any(len(entry.query_inputs) > 1 for entry in entries):
        return False  # sound and frames of a video share one weight there
    return all(entry.weight in (1.0, WITHOUT) for entry in entries if entry.words)


def command(page: Page, entries: list[QueryEntry], find: str) -> str:
    """The command that prints the same list, without the filters."""
    chosen = session.current()
    words = ["python", "-m", "precompute", "search", "--workspace", page.handle.root]
    words += ["--study", page.handle.digest, "--modality", find]
    for entry in entries:
        flag = "--file" if entry.upload else "--text" if entry.weight > 0 else "--without"
        words.append(f"{flag}={entry.name}")  # joined, because words may start with a dash
    words += ["--top", str(chosen.top), "--space", chosen.within, "--json"]
    return shlex.join(words)
