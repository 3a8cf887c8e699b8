"""Figures of the lab: a run beside what it is compared with, a sweep, an exchange rate."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from core.figures import common, theme

RUN, BASE = theme.SYSTEM_COLOURS["MMT"], theme.UNLABELLED


def curves(
    mine: pd.DataFrame, base: pd.DataFrame, target: str, names: tuple[str, str], dark: bool = False
) -> go.Figure:
    """Macro F1 at each point, mean and range over draws: a run and what it is compared with.

    Parameters
    ----------
    mine, base : `n_target, value, chance`; one row per draw; `mine` is empty before a run
    names : of the run and of the other
    """
    fig = common.figure(dark, 340)
    ticks = sorted({int(n) for frame in (mine, base) for n in frame["n_target"]})
    position = {n: number for number, n in enumerate(ticks)}
    for frame, name, colour in ((base, names[1], BASE), (mine, names[0], RUN)):
        _spread(fig, frame, "n_target", name, colour, position)
    chances = pd.concat([frame["chance"] for frame in (mine, base) if "chance" in frame])
    if chances.notna().any():
        _chance(fig, float(chances.mean()), [-0.3, max(len(ticks) - 0.7, 0.3)])
    fig.update_xaxes(
        tickvals=list(range(len(ticks))),
        ticktext=[f"{n:,}" for n in ticks],
        showgrid=False,
        title_text=f"{theme.MODALITY_PLURALS[target]} mixed into training",
    )
    fig.update_yaxes(title_text="macro F1", rangemode="tozero")
    return fig.update_layout(margin={"l": 8, "r": 8, "t": 44, "b": 58})


def differences(table: pd.DataFrame, dark: bool = False) -> go.Figure:
    """Differences with their intervals, a line each, best known measures first.

    `table` has `measure, difference, low, high`.
    """
    height = 90 + 26 * len(table)
    fig = common.figure(dark, height)
    known = table["low"].notna()
    fig.add_vline(x=0, line={"color": theme.ink(dark).zero, "width": 1})
    fig.add_scatter(
        x=table["difference"],
        y=[common.safe(name) for name in table["measure"]],
        mode="markers",
        marker={"size": 9, "color": RUN},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": (table["high"] - table["difference"]).where(known, 0.0),
            "arrayminus": (table["difference"] - table["low"]).where(known, 0.0),
            "color": RUN,
            "thickness": 1.6,
        },
        hovertemplate="%{y}: %{x:+.3f}<extra></extra>",
        showlegend=False,
    )
    fig.update_yaxes(autorange="reversed", title_text="", automargin=True, showgrid=False)
    fig.update_xaxes(title_text="difference, with its 95 % interval")
    return fig.update_layout(margin={"l": 8, "r": 12, "t": 10, "b": 56})


def sweep(
    table: pd.DataFrame, setting: str, lines: dict[str, str], dark: bool = False
) -> go.Figure:
    """A measure over the values of a setting, mean with range or interval.

    Parameters
    ----------
    table : `setting_value, line, value, low, high, base, chance`: `low` and `high` around the
        value, `chance` None where it is not known
    lines : name of each `line` -> its colour; its base is a dashed line, chance a dotted one
    """
    fig = common.figure(dark, 360)
    values = list(dict.fromkeys(table["setting_value"]))
    shown = [f"{value:g}" if isinstance(value, float) else str(value) for value in values]
    for line, colour in lines.items():
        mine = table[table["line"] == line].drop_duplicates("setting_value", keep="last")
        mine = mine.set_index("setting_value").reindex(values)
        error = {
            "type": "data",
            "symmetric": False,
            "array": (mine["high"] - mine["value"]).fillna(0.0),
            "arrayminus": (mine["value"] - mine["low"]).fillna(0.0),
            "thickness": 1.4,
        }
        fig.add_scatter(
            x=list(range(len(values))),
            y=mine["value"],
            name=line,
            mode="lines+markers",
            line={"color": colour, "width": 2},
            error_y=error,
            hovertemplate=f"{common.safe(line)}: %{{y:.3f}}<extra></extra>",
        )
        across = [-0.2, len(values) - 0.8]
        chance = mine["chance"].dropna()
        if len(chance):
            _chance(fig, float(chance.iloc[0]), across, colour, showlegend=False)
        base = mine["base"].dropna()
        if len(base):
            fig.add_scatter(
                x=across,
                y=[float(base.iloc[0])] * 2,
                mode="lines",
                name="compared with",
                line={"color": colour, "dash": "dash", "width": 1.2},
                hovertemplate="compared with: %{y:.3f}<extra></extra>",
                showlegend=False,
            )
    fig.update_xaxes(
        tickvals=list(range(len(values))),
        ticktext=[common.safe(one) for one in shown],
        title_text=common.safe(setting),
        showgrid=False,
    )
    fig.update_yaxes(rangemode="tozero")
    return fig.update_layout(margin={"l": 8, "r": 8, "t": 60, "b": 58})


def exchange(table: pd.DataFrame, target: str, source: str, dark: bool = False) -> go.Figure:
    """How many items of the target give the F1 of n items of the other modality.

    `table` has `n_source, n_target, low, high`; NaN where no number of items does.
    """
    fig = common.figure(dark, 340)
    known = table.dropna(subset=["n_target"])
    fig.add_scatter(
        x=known["n_source"],
        y=known["n_target"],
        mode="lines+markers",
        line={"color": RUN, "width": 2},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": (known["high"] - known["n_target"]).clip(lower=0).fillna(0.0),
            "arrayminus": (known["n_target"] - known["low"]).clip(lower=0).fillna(0.0),
            "thickness": 1.4,
        },
        hovertemplate="%{x:,} are worth %{y:.0f}<extra></extra>",
        showlegend=False,
    )
    names = theme.MODALITY_PLURALS
    fig.update_xaxes(title_text=f"{names[source]} in training, without any {names[target]}")
    fig.update_yaxes(title_text=f"{names[target]} alone with equal F1", rangemode="tozero")
    return fig.update_layout(margin={"l": 8, "r": 8, "t": 16, "b": 58})


def _spread(
    fig: go.Figure,
    frame: pd.DataFrame,
    by: str,
    name: str,
    colour: str,
    position: dict[int, int],
) -> None:
    """A line of means, with the range of the draws around it."""
    if frame.empty:
        return
    found = frame.groupby(by)["value"].agg(["mean", "min", "max"]).sort_index()
    x = [position[int(n)] for n in found.index]
    band: dict[str, Any] = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    fig.add_scatter(x=x, y=found["max"], showlegend=False, **band)
    fig.add_scatter(
        x=x,
        y=found["min"],
        fill="tonexty",
        fillcolor=theme.with_alpha(colour, 0.18),
        showlegend=False,
        **band,
    )
    fig.add_scatter(
        x=x,
        y=found["mean"],
        mode="lines+markers",
        name=common.safe(name),
        line={"color": colour, "width": 2},
        hovertemplate="%{y:.3f}<extra></extra>",
    )


def _chance(
    fig: go.Figure,
    value: float,
    across: list[float],
    colour: str = theme.UNLABELLED,
    showlegend: bool = True,
) -> None:
    fig.add_scatter(
        x=across,
        y=[value, value],
        mode="lines",
        name="chance",
        showlegend=showlegend,
        line={"dash": "dot", "width": 1.2, "color": colour},
        hovertemplate="chance: %{y:.3f}<extra></extra>",
    )
