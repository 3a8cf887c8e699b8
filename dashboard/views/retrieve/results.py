"""What a query found: cards with their scores, the scale of these, and the list as a file."""

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
from dashboard.views.retrieve import query_state, query_timeline

N_COLUMNS = 5


def show(
    page: Page, retriever: Retriever, parts: list[query_state.Asked], find: str, answer: Answer
) -> None:
    table = answer.results.copy()
    heard = query_timeline.best_seconds(retriever, parts, table, find)
    wanted = labels_of(page, parts)
    st.subheader(f"Nearest {theme.MODALITY_PLURALS[find]}", anchor=False)
    widgets.numbers(headline(page, parts, find, answer, wanted))
    mates = {
        mate for one in parts if one.item_id for mate in data.same_clip(page.handle, one.item_id)
    }
    notes = []
    for row in table.itertuples():
        note = cards.score_text(row.score, row.percentile)
        if row.item_id in mates:
            note += ", same clip"
        elif wanted and wanted & set(row.labels):
            note += ", same class"
        if row.item_id in heard:
            note += f", most like {heard[row.item_id]}"
        notes.append(note)
    cards.grid(
        page.handle,
        list(table["item_id"]),
        key="found",
        notes=notes,
        columns=N_COLUMNS,
        on_open=cards.open_item,
    )
    export(page, parts, find, answer, heard)
    open_items.show(page, key="retrieve", title="open", n_shown=1)


def others(page: Page, retriever: Retriever, parts: list[query_state.Asked], find: str) -> None:
    """Of words alone: the first few of every other modality too, for words belong to none."""
    if not all(one.words for one in parts):
        return
    chosen = session.current()
    asked = [part for one in parts for part in one.parts()]
    for kind in page.modalities:
        if kind == find:
            continue
        try:
            found = retriever.search(
                asked,
                kind,
                N_COLUMNS,
                chosen.within,
                Filters(chosen.classes, chosen.subsets),
            ).results
        except UserError:
            continue  # the filters leave none of this kind
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            widgets.kicker(f"and the nearest {theme.MODALITY_PLURALS[kind]}")
            st.button(
                "More",
                key=f"more_{kind}",
                type="tertiary",
                on_click=session.change,
                kwargs={"find": kind},
            )
        cards.grid(
            page.handle,
            list(found["item_id"]),
            key=f"also_{kind}",
            notes=[cards.score_text(row.score, row.percentile) for row in found.itertuples()],
            columns=N_COLUMNS,
            on_open=cards.open_item,
        )


def searched(parts: list[query_state.Asked], find: str) -> str:
    text = "what was searched, after the filters"
    if any(one.item_id and one.modality == find for one in parts):
        text += ", without the query's own clip"
    return text


def labels_of(page: Page, parts: list[query_state.Asked]) -> set[str]:
    """The classes of the asking items that are not led away from; of uploads none is known."""
    frame = data.items(page.handle)
    return {
        label
        for one in parts
        if one.item_id and one.weight > 0
        for label in frame.loc[one.item_id, "labels"]
    }


def headline(
    page: Page, parts: list[query_state.Asked], find: str, answer: Answer, wanted: set[str]
) -> list[tuple[str, str, str, str]]:
    """The scale of this list: its best score beside a random pair's, the gallery, its classes."""
    best = answer.results.iloc[0]
    pair = f"{theme.MODALITY_NAMES[parts[0].modality]} and {theme.MODALITY_NAMES[find]}"
    things = theme.MODALITY_PLURALS[find]
    shown = [
        (
            "best match",
            f"{best['score']:.2f}",
            "cosine",
            f"above {best['percentile']:.1f}% of random pairs of {pair}",
        ),
        (
            "a random pair",
            f"{answer.median_score:.2f}",
            "median",
            f"of {pair} in this space",
        ),
        ("gallery", f"{answer.gallery_size:,}", things, searched(parts, find)),
    ]
    if wanted:
        frame = data.items(page.handle)
        gallery = frame[frame["modality"] == find]
        chance = float(gallery["labels"].map(lambda names: bool(wanted & set(names))).mean())
        right = int(sum(bool(wanted & set(names)) for names in answer.results["labels"]))
        shown.append(
            (
                "of its class",
                f"{right} of {len(answer.results)}",
                "",
                f"{', '.join(sorted(wanted))}: {chance:.1%} of all {things}",
            )
        )
    else:
        label = best["labels"][0] if len(best["labels"]) else "unlabelled"
        same = int(sum(label in names for names in answer.results["labels"]))
        shown.append(
            (
                "first is",
                str(label),
                "",
                f"as are {same} of {len(answer.results)}; what asks has no class of its own",
            )
        )
    return shown


def export(
    page: Page, parts: list[query_state.Asked], find: str, answer: Answer, heard: dict[str, str]
) -> None:
    chosen = session.current()
    table = answer.results.copy()
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    table["labels"] = [", ".join(labels) for labels in table["labels"]]
    if heard:
        table["most_like"] = [heard.get(item_id, "") for item_id in table["item_id"]]
    more = {
        "query": "; ".join(f"{one.weight:g} × {one.name}" for one in parts),
        "found": f"{theme.MODALITY_PLURALS[find]} in {chosen.within}",
        "filters": f"classes {', '.join(chosen.classes) or 'all'}; "
        f"subsets {', '.join(chosen.subsets) or 'all'}",
        "gallery": str(answer.gallery_size),
        "a random pair": f"{answer.median_score:.4f} (median)",
        "asked": data.now(),
    }
    with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        if as_command(parts):
            with st.popover("As a command", type="tertiary", icon=":material/terminal:"):
                st.code(command(page, parts, find), language="bash")
        widgets.csv_button(
            table,
            page.handle,
            "retrieved",
            encoder_set=page.encoder_set,
            key="csv_retrieved",
            more=more,
        )


def as_command(parts: list[query_state.Asked]) -> bool:
    """Whether the command line can ask the same: with one whole file, with words, or both."""
    files = [one.upload for one in parts if one.upload]
    if len(files) > 1 or any(one.item_id for one in parts):
        return False
    if any(file.second is not None or file.use != "both" or file.weight != 1.0 for file in files):
        return False
    if any(len(one.things) > 1 for one in parts) and len(parts) > 1:
        return False  # a video's sound and frames share one weight there
    return all(one.weight in (1.0, WITHOUT) for one in parts if one.words)


def command(page: Page, parts: list[query_state.Asked], find: str) -> str:
    """What gives the same list on the command line, filters aside."""
    chosen = session.current()
    words = ["python", "-m", "precompute", "search", "--workspace", page.handle.root]
    words += ["--study", page.handle.digest, "--modality", find]
    for one in parts:
        flag = "--file" if one.upload else "--text" if one.weight > 0 else "--without"
        words.append(f"{flag}={one.name}")  # joined, for words may begin with a dash
    words += ["--top", str(chosen.top), "--space", chosen.within, "--json"]
    return shlex.join(words)
