"""Compare: two spaces, or two studies, side by side under one selection."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from core.errors import UserError
from core.studies import centroids
from dashboard import cards, data, session, state, summaries, theme, widgets
from dashboard.figures import maps, matrices
from dashboard.page import Page
from dashboard.views import centroids as centroid_view
from dashboard.views import map as map_view

SUMMARIES = (
    "ndcg@30",
    "ndcg_lift",
    "precision@10",
    "recall@10",
    "map",
    "median_rank",
    "modality_gap",
    "hubness",
    "class_distance_ratio",
    "nearest_centroid_accuracy",
)


@dataclass(frozen=True)
class Side:
    """One of the two things compared."""

    handle: data.Handle
    pair: str
    space: str
    name: str


def show(page: Page) -> None:
    widgets.heading(
        "Compare",
        "Two spaces of one study, or two studies: the same numbers, the same maps, the same items.",
    )
    left, right = sides(page)
    if (left.handle, left.pair, left.space) == (right.handle, right.pair, right.space):
        widgets.small("Both sides are the same: choose another space, pair or study.")
    numbers(left, right)
    draw_maps(page, left, right)
    draw_centroids(left, right)
    widgets.kicker("right side")
    widgets.footer(right.handle, right.pair)
    widgets.kicker("left side")


# -- what is compared ----------------------------------------------------------------------------


def sides(page: Page) -> tuple[Side, Side]:
    chosen = page.selection
    records = data.records(page.handle.root)
    titles = data.study_titles(records)
    left_place, right_place = st.columns(2, gap="medium", border=True)
    with left_place:
        widgets.kicker("left: the study and encoders of the sidebar")
        st.html(f'<div class="jee-label">{widgets.esc(titles[page.handle.digest])}</div>')
        st.segmented_control(
            "Space",
            state.CHOICES["space"],
            format_func=lambda name: theme.SPACE_NAMES[name],
            required=True,
            **session.bound("space"),
        )
    with right_place:
        widgets.kicker("right")
        handle, pair = other_study(page, titles)
        st.segmented_control(
            "Space",
            state.CHOICES["other_space"],
            format_func=lambda name: theme.SPACE_NAMES[name],
            required=True,
            **session.bound("other_space"),
        )
    chosen = session.current()
    return (
        side(page.handle, page.pair, chosen.space, "left"),
        side(handle, pair, chosen.other_space, "right"),
    )


def other_study(page: Page, titles: dict[str, str]) -> tuple[data.Handle, str]:
    chosen = session.current()
    other = next((name for name in titles if chosen.other and name.startswith(chosen.other)), "")
    st.session_state["choose_other"] = other or page.handle.digest
    st.selectbox(
        "Study",
        list(titles),
        format_func=lambda name: titles[name],
        key="choose_other",
        on_change=lambda: session.change(other=st.session_state["choose_other"], other_pair=""),
    )
    handle = data.open_study(page.handle.root, other or page.handle.digest)
    pairs = ["+".join(pair) for pair in data.study(handle).pairs]
    pair = chosen.other_pair if chosen.other_pair in pairs else ""
    if not pair:
        pair = page.pair if page.pair in pairs else pairs[0]
    st.session_state["choose_other_pair"] = pair
    if len(pairs) > 1:
        st.selectbox(
            "Encoders",
            pairs,
            format_func=lambda name: name.replace("+", " + "),
            key="choose_other_pair",
            on_change=lambda: session.change(other_pair=st.session_state["choose_other_pair"]),
        )
    return handle, pair


def side(handle: data.Handle, pair: str, space: str, place: str) -> Side:
    name = f"{place}: {theme.SPACE_NAMES[space]}, {pair.replace('+', ' + ')}"
    return Side(handle, pair, space, name)


# -- numbers -------------------------------------------------------------------------------------


def numbers(left: Side, right: Side) -> None:
    st.subheader("Numbers", anchor=False)
    try:
        tables = [measures(left), measures(right)]
    except UserError as error:
        widgets.notice(str(error))
        return
    keys = ["measure", "of"]
    rows = pd.concat([table[keys] for table in tables]).drop_duplicates()  # in their own order
    joined = rows.merge(tables[0], on=keys, how="left").merge(
        tables[1], on=keys, how="left", suffixes=(" left", " right")
    )
    joined["difference"] = joined["mean right"] - joined["mean left"]
    columns = ["measure", "of"]
    for name in ("left", "right"):
        columns += [f"{what} {name}" for what in ("mean", "sd", "chance", "n", "runs")]
    columns.insert(7, "difference")
    number = st.column_config.NumberColumn(format="%.3f")
    numeric = [name for name in columns if name.split()[0] in ("mean", "sd", "chance")]
    st.dataframe(
        joined[columns],
        hide_index=True,
        height=420,
        placeholder="–",
        column_config=dict.fromkeys([*numeric, "difference"], number),
    )
    widgets.csv_button(joined[columns], left.handle, "compare", pair=left.pair)
    widgets.small(
        "difference is right minus left. sd is over splits, or over draws where there is one "
        "split; differences within it mean little. Lower is better for median rank, modality gap, "
        "hubness and class distance ratio."
    )


def measures(one: Side) -> pd.DataFrame:
    """``measure, of, mean, sd, chance, n, runs`` of one space of one study."""
    rows = data.measurements(one.handle, one.pair)
    mine = rows[(rows["space"] == one.space) & rows["metric"].isin(SUMMARIES)]
    ranked = mine[(mine["study"] == "ranking") & (mine["system"] == "") & (mine["class"] == "")]
    central = mine[mine["study"] == "centroids"]
    mixed = rows[(rows["study"] == "mixin") & (rows["space"] == one.space)]
    mixed = mixed[(mixed["metric"] == "macro_f1") & mixed["system"].isin(["MMT", "MMP"])]
    most = mixed.groupby("target")["n_target"].transform("max")
    parts = [
        _named(ranked, "direction", ""),
        _named(central.assign(of=_sides(central)), "of", ""),
        _named(mixed[mixed["n_target"] == 0], "target", "zero-shot "),
        _named(mixed[mixed["n_target"] == most], "target", "all data, "),
    ]
    return pd.concat(parts, ignore_index=True)


def _sides(rows: pd.DataFrame) -> pd.Series:
    names = theme.MODALITY_PLURALS
    return rows["class"].replace(names) + " to " + rows["other"].replace(names)


def _named(rows: pd.DataFrame, by: str, prefix: str) -> pd.DataFrame:
    table = summaries.spread(rows, ["metric", by])
    names = {**theme.DIRECTION_NAMES, **theme.MODALITY_PLURALS}
    return pd.DataFrame(
        {
            "measure": [prefix + summaries.metric_name(name) for name in table["metric"]],
            "of": [names.get(name, name) for name in table[by]],
            "mean": table["mean"].astype(float),
            "sd": table["sd"].astype(float),
            "chance": table["chance"].astype(float),
            "n": table["n"].astype(int),
            "runs": [
                summaries.runs_text(int(row["runs"]), int(row["splits"]))
                for _, row in table.iterrows()
            ],
        }
    )


# -- maps ----------------------------------------------------------------------------------------


def draw_maps(page: Page, left: Side, right: Side) -> None:
    st.subheader("Maps", anchor=False)
    with st.container(horizontal=True, gap="medium"):
        st.segmented_control(
            "Method",
            state.CHOICES["method"],
            format_func=lambda name: theme.METHOD_NAMES[name],
            required=True,
            **session.bound("method"),
        )
    widgets.class_chips(page.study.classes)
    chosen = session.current()
    same_items = data.same_items(left.handle, right.handle)
    for place, one, name in zip(
        st.columns(2, gap="small"), (left, right), ("left", "right"), strict=True
    ):
        with place:
            try:
                draw_map(one, name, selectable=name == "left" or same_items)
            except UserError as error:
                widgets.notice(str(error))
    if not same_items:
        widgets.small(
            "The two studies hold different items: a click on the left map opens an item, and "
            "it is ringed on the right only where it is found there."
        )
    widgets.small("Distances are never read off a map; two maps differ in turn and mirror too.")
    if chosen.items:
        cards.picked(page.handle, page.pair, chosen.items, key="compare")
        st.button("Close", type="tertiary", icon=":material/close:", on_click=cards.close_items)


def draw_map(one: Side, name: str, selectable: bool) -> None:
    chosen = session.current()
    classes = data.study(one.handle).classes
    whole = data.map_points(one.handle, one.pair, one.space, chosen.method, 2, 0)
    rows = [classes.index(each) for each in chosen.classes if each in classes]
    points = data.chosen(whole, rows, chosen.modalities)
    key = f"compare_map_{name}"
    made = maps.map_figure(
        points.xyz,
        points.item_ids,
        points.modality,
        points.class_row,
        classes,
        dark=widgets.dark(),
        title=one.name,
        picked=chosen.items,
        bounds=np.stack([whole.xyz.min(axis=0), whole.xyz.max(axis=0)]) if len(whole) else None,
    )
    widgets.show(
        made,
        one.handle,
        f"compare_{name}_{one.space}",
        one.name,
        pair=one.pair,
        key=key,
        on_select=(lambda: map_view.take(key)) if selectable else None,
        modes=("points", "box", "lasso"),
    )
    widgets.small(f"{len(points):,} of {len(whole):,} points")


# -- centroids -----------------------------------------------------------------------------------


def draw_centroids(left: Side, right: Side) -> None:
    st.subheader("Centroids", anchor=False)
    chosen = session.current()
    with st.container(horizontal=True, gap="medium"):
        st.segmented_control(
            "Sorted",
            state.CHOICES["order"],
            format_func=lambda name: centroid_view.ORDER_NAMES[name],
            required=True,
            **session.bound("order"),
        )
    for place, one, name in zip(
        st.columns(2, gap="medium"), (left, right), ("left", "right"), strict=True
    ):
        with place:
            rows = data.measurements(one.handle, one.pair, study="centroids")
            names, matrix, scale = centroid_view.read(rows, one.space, "normalised")
            if not names:
                widgets.small("No centroid distance is stored here.")
                continue
            order = centroids.order(
                np.nan_to_num(matrix),
                [kind for kind, _ in names],
                [each for _, each in names],
                session.current().order,
            )
            ordered = [names[row] for row in order]
            shown = matrix[np.ix_(order, order)]
            labels = [f"{kind}:{each}" for kind, each in ordered]
            table = pd.DataFrame(shown, columns=labels)
            table.insert(0, "centroid", labels)
            widgets.show(
                matrices.distances(
                    shown, ordered, widgets.dark(), 1.6, "distance / scale", one.name
                ),
                one.handle,
                f"compare_centroids_{name}_{chosen.order}",
                one.name,
                pair=one.pair,
                table=table,
            )
            widgets.small(
                f"Divided by the space's own scale, {scale:.2f}, so that the two may be compared."
            )
