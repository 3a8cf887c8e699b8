"""The controls of the lab: each changes one value of the recipe, in the address."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from core.errors import UserError
from core.figures import theme
from core.lab.recipe import TRAINED, Settings
from dashboard import session
from dashboard.shared import widgets

MARK = "="
# What a person sees first: name of the value, label, one line of help.
RECIPE = (
    ("space", "Space", "Trained, or CCA or PCA in its place."),
    ("loss", "Loss", "How pairs are pulled together."),
    ("share", "Share of the pairs", "0.1 trains on a tenth of them."),
    ("mismatched", "Share of wrong pairs", "These get the picture of another clip."),
    ("unseen", "Unseen classes", "Nothing is trained on these."),
    ("classifier", "Classifier", "Forest: W's MMT. Combined: SMT."),
)
MORE = (
    ("margin", "Margin", "How much nearer a pair must be than another one."),
    ("temperature", "Temperature", "Lower: the nearest wrong items count more."),
    ("sampler", "Sampler", "Balanced: each class equally often."),
    ("pairing", "Pairing", "Fixed, or drawn again within the class at every step."),
    ("same_class", "Two pairs of one class", "Whether they count as wrong for each other."),
    ("n_dims", "Dimensions", "The length of a vector in the shared space."),
    ("centred", "Centred", "Take the mean of each modality away."),
    ("windows", "Windows", "Other seconds of a recording train, or are the query, too."),
    ("towers", "Towers", "Trainings whose spaces are averaged."),
    ("trainings", "Trainings", "Each has another seed; the numbers are means over them."),
    ("translation.seed", "Seed", "Added to the study's seed."),
    ("n_hidden", "Hidden units", "Of each tower."),
    ("learning_rate", "Learning rate", "Of Adam."),
    ("weight_decay", "Weight decay", "0: none."),
    ("dropout", "Dropout", "Of hidden units."),
    ("input_dropout", "Dropout of inputs", "Of the encoders' numbers."),
    ("batch", "Batch", "The most pairs in a step."),
    ("min_steps", "Steps of an epoch", "At least."),
    ("max_epochs", "Epochs", "At most."),
    ("patience", "Patience", "Epochs without progress, then training ends."),
    ("validation_share", "Validation", "Share of the pairs that tells when to stop."),
)
EVALUATION = (
    ("targets", "Tested on", "The modality that is classified."),
    ("classes", "Classes", "Those that are classified; none chosen: all."),
    ("points", "Items of the target", "With commas, such as 0, 20, 100; empty: six points."),
    ("draws", "Draws", "How often the items of a point are drawn again."),
    ("n_bootstrap", "Bootstrap", "Resamples behind an interval."),
    ("most", "Largest subset", "Of more items, a sample stratified by class."),
    ("n_trees", "Trees", "Of each forest."),
    ("max_depth", "Depth", "Of each tree, at most."),
)
HIDDEN = {"encoder_set", "words"}
MARGIN_LOSSES = ("margin", "symmetric_margin", "hardest_triplet")


def asked(own: Settings) -> tuple[Settings, list[str]]:
    """The settings of the address, and a sentence for each value that is unusable."""
    settings, notes = own, []
    for text in session.current().lab:
        name, _, value = text.partition(MARK)
        try:
            settings = settings.changed({name: value})
        except UserError as error:
            notes.append(f"The address is not understood: {error}")
    return settings, notes


def in_address(own: Settings, settings: Settings) -> tuple[str, ...]:
    """The values that differ from the study's, as the address has them."""
    return tuple(
        f"{_short(settings, name)}{MARK}{_text(value)}"
        for name, value in settings.differences(own).items()
        if name not in HIDDEN
    )


def show(own: Settings, settings: Settings, classes: list[str], has_windows: bool) -> None:
    """All controls; the study may have no windows of recordings to train on."""
    for name, label, help_ in RECIPE:
        if _applies(name, settings):
            control(own, settings, name, label, help_, classes)
    if settings.recipe.space == "translation":
        with st.expander("More of the recipe"):
            for name, label, help_ in (*MORE, *_others(own)):
                if _applies(name, settings) and (has_windows or name != "windows"):
                    control(own, settings, name, label, help_, classes)
    with st.expander("How it is measured"):
        for name, label, help_ in EVALUATION:
            control(own, settings, name, label, help_, classes)


def _others(own: Settings) -> list[tuple[str, str, str]]:
    """The fields of a translation that have no words of their own."""
    shown = {own.full_name(name) for name, _, _ in (*RECIPE, *MORE, *EVALUATION)}
    names = [one for one in own.values if one.startswith("translation.") and one not in shown]
    last = {name: name.rpartition(".")[2] for name in names}
    return [
        (name, _plain(last[name]).capitalize(), "") for name in names if last[name] not in HIDDEN
    ]


def control(
    own: Settings, settings: Settings, name: str, label: str, help_: str, classes: list[str]
) -> None:
    """One control, with its line of help and the study's value."""
    full = own.full_name(name)
    value, hint = settings.values[full], settings.hint(full)
    key = f"lab_{full}"
    changed: dict[str, Any] = {"key": key, "on_change": _change(own, full, key)}
    choices = settings.choices(full)
    if full.rpartition(".")[2] in ("unseen", "classes"):
        st.session_state[key] = [one for one in value if one in classes]
        st.multiselect(label, classes, **changed)
    elif full == "evaluation.targets":
        st.session_state[key] = list(value)
        names = theme.MODALITY_PLURALS.__getitem__
        both = ["image", "audio"]
        st.segmented_control(label, both, selection_mode="multi", format_func=names, **changed)
    elif hint is bool:
        st.session_state[key] = value
        st.toggle(label, **changed)
    elif choices:
        st.session_state[key] = value
        st.selectbox(label, choices, format_func=_plain, **changed)
    elif hint in (int, float) and value is not None:
        st.session_state[key] = hint(value)
        if hint is int:
            st.number_input(label, step=1, **changed)
        else:
            st.number_input(label, step=_step(float(value)), format="%g", **changed)
    else:
        st.session_state[key] = _text(value)
        st.text_input(label, **changed)
    stored = _shown(own.values[full])
    same = own.values[full] == value
    widgets.small(
        f"{help_} {f'Study: {stored}.' if same else f'Changed; the study has {stored}.'}".strip()
    )


def _change(own: Settings, full: str, key: str) -> Callable[[], None]:
    def change() -> None:
        value = st.session_state[key]
        text = _text(tuple(value)) if isinstance(value, (list, tuple)) else _text(value)
        before, _ = asked(own)
        if full == "space":  # what belongs to a training goes with it
            kept = replace(before.recipe, translation=own.recipe.translation, trainings=1)
            before = replace(before, recipe=kept)
        try:
            after = before.changed({full: text})
        except UserError as error:
            st.session_state["lab_wrong"] = str(error)
            return
        st.session_state.pop("lab_wrong", None)
        session.change(lab=in_address(own, after))

    return change


def _applies(name: str, settings: Settings) -> bool:
    """A margin belongs to the losses that have one; a loss to a space that is trained."""
    space = settings.recipe.space
    if name == "loss" and space != "translation":
        return False
    if name in ("share", "mismatched") and space not in TRAINED:
        return False
    has_margin = settings.recipe.translation.loss in MARGIN_LOSSES
    return {"margin": has_margin, "temperature": not has_margin}.get(name, True)


def _short(settings: Settings, full: str) -> str:
    last = full.rpartition(".")[2]
    try:
        return last if settings.full_name(last) == full else full
    except UserError:
        return full


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(theme.MODALITY_PLURALS.get(one, str(one)) for one in value) or "–"
    return _plain(_text(value))


def _plain(value: Any) -> str:
    return str(value).replace("_", " ")


def _step(value: float) -> float:
    return 0.001 if 0 < value < 0.01 else 0.05
