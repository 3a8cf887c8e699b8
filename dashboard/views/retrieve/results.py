"""The results of a query: their scale, their cards, the list as a file and as a command."""

import functools
import shlex

import numpy as np
import streamlit as st

from core.errors import UserError
from core.figures import theme
from core.retrieval.query_inputs import WITHOUT
from core.retrieval.retriever import Answer, Filters
from dashboard import data, session
from dashboard.shared import cards, open_items, widgets
from dashboard.views.retrieve import query_timeline
from dashboard.views.retrieve.query_state import Query, QueryEntry

N_COLUMNS = 5


def show(query: Query, answer: Answer) -> None:
    page, table = query.page, answer.results
    seconds = query_timeline.best_seconds(query, answer)
    labels = labels_of(query)
    st.subheader(f"Nearest {theme.MODALITY_PLURALS[query.find]}", anchor=False)
    widgets.numbers(headline(query, answer, labels))
    widgets.small(f"Scores are cosines. {cards.PERCENTILE}")
    same_clip = {
        item_id
        for entry in query.entries
        if entry.item_id
        for item_id in data.same_clip(page.handle, entry.item_id)
    }
    ids = list(table["item_id"])
    most_like = [f", most similar to {seconds[one]}" if one in seconds else "" for one in ids]
    notes = cards.match_notes(page.handle, table, same_clip, labels)
    cards.grid(
        page.handle,
        ids,
        key="found",
        notes=[note + more for note, more in zip(notes, most_like, strict=True)],
        columns=N_COLUMNS,
        on_open=cards.open_item,
    )
    export(query, answer, seconds)
    open_items.show(page, key="retrieve", title="open", n_shown=1)


def other_modalities(query: Query) -> None:
    """For words alone: the nearest few items of every other modality too."""
    if not all(entry.words for entry in query.entries):
        return
    chosen = session.current()
    filters = Filters(chosen.classes, chosen.subsets, items=query.page.only)
    search = functools.partial(query.retriever.search, query.weighted)
    for kind in query.page.modalities:
        if kind == query.find:
            continue
        try:
            results = search(kind, N_COLUMNS, chosen.within, filters).results
        except UserError:
            continue  # the filters leave none of this modality
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            widgets.kicker(f"and the nearest {theme.MODALITY_PLURALS[kind]}")
            widgets.quiet_button("More", f"more_{kind}", session.change, find=kind)
        cards.grid(
            query.page.handle,
            list(results["item_id"]),
            key=f"also_{kind}",
            notes=[cards.score_text(row.score, row.percentile) for row in results.itertuples()],
            columns=N_COLUMNS,
            on_open=cards.open_item,
        )


def labels_of(query: Query) -> set[str]:
    """The labels of the query's items with a weight above 0; uploads and words have none."""
    frame = data.items(query.page.handle)
    ids = [entry.item_id for entry in query.entries if entry.item_id and entry.weight > 0]
    return {label for item_id in ids for label in frame.loc[item_id, "labels"]}


def headline(query: Query, answer: Answer, labels: set[str]) -> list[tuple[str, str, str, str]]:
    """The best score beside a random pair's, the size of the gallery, the classes found."""
    entries, find, best = query.entries, query.find, answer.results.iloc[0]
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
        frame = data.items(query.page.handle)
        gallery = frame[frame["modality"] == find]["labels"]
        chance = float(gallery.map(lambda names: bool(labels & set(names))).mean())
        n_same = sum(bool(labels & set(names)) for names in found)
        scale = f"{', '.join(sorted(labels))}: {chance:.1%} of all {plural}"
        return [*shown, ("same class", f"{n_same} of {n}", "", scale)]
    label = str(best["labels"][0]) if len(best["labels"]) else "unlabelled"
    n_same = sum(label in names for names in found)
    scale = f"the class of {n_same} of {n} results; the query has no class"
    return [*shown, ("first result", label, "", scale)]


def export(query: Query, answer: Answer, seconds: dict[str, str]) -> None:
    entries, chosen = query.entries, session.current()
    table = answer.results.copy()
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    table["labels"] = [", ".join(labels) for labels in table["labels"]]
    if seconds:
        table["most_like"] = [seconds.get(item_id, "") for item_id in table["item_id"]]
    more = {
        "query": "; ".join(f"{entry.weight:g} × {entry.name}" for entry in entries),
        "found": f"{theme.MODALITY_PLURALS[query.find]} in {chosen.within}",
        "filters": f"classes {', '.join(chosen.classes) or 'all'}; "
        f"subsets {', '.join(chosen.subsets) or 'all'}",
        "gallery": str(answer.gallery_size),
        "a random pair": f"{answer.median_score:.4f} (median)",
        "searched": data.now(),
    }
    with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        if has_command(entries):
            with st.popover("As a command", type="tertiary", icon=":material/terminal:"):
                st.code(command(query), language="bash")
        widgets.csv_button(table, query.page, "retrieved", key="csv_retrieved", more=more)


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


def command(query: Query) -> str:
    """The command that prints the same list, without the filters."""
    chosen, handle = session.current(), query.page.handle
    words = ["python", "-m", "precompute", "search", "--workspace", handle.root]
    words += ["--study", handle.digest, "--modality", query.find]
    for entry in query.entries:
        flag = "--file" if entry.upload else "--text" if entry.weight > 0 else "--without"
        words.append(f"{flag}={entry.name}")  # joined, because words may start with a dash
    words += ["--top", str(chosen.top), "--space", chosen.within, "--json"]
    return shlex.join(words)
