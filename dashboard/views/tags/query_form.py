"""The inputs of the page Tags: the words, the gallery, the wording.

A short list of tags is kept in the address, a longer one in the session alone.
"""

from collections.abc import Sequence

import streamlit as st

from core.encoder_sets import READY
from core.errors import UserError
from core.figures import theme
from core.retrieval import tags
from dashboard import session, state
from dashboard.page import Page
from dashboard.shared import controls, widgets
from dashboard.views.tags import scored_tags
from dashboard.views.tags.scored_tags import ScoredTags

TYPED = "tags_typed"  # a list that is too long for the address
FIELD, WORDING, OWN_WORDING = "tags_field", "tags_wording", "tags_own_wording"
OWN = "your own …"
EXAMPLES = "slow bowed strings\na drum kit\nsomeone plays the flute\nbright and fast"
MAX_TAGS, MAX_LETTERS = 60, 1_500  # of a list in the address
N_NAMED = 4  # tags without a known word that are named


def can_embed(page: Page) -> bool:
    """Whether new words can be embedded: there is a text encoder, not ready vectors."""
    return not page.encoders.get("text", READY).startswith(READY)


def show(page: Page, spaces: Sequence[str], targets: Sequence[str]) -> ScoredTags | None:
    """The inputs; returns the scored tags, or None and shows why they cannot be scored."""
    left, right = st.columns([1.0, 1.1], gap="large")
    with left:
        field(page)
    with right:
        with controls.row():
            controls.one("Score", "tagged", targets, theme.with_glyph)
            controls.one("In the space", "tagged_in", spaces, theme.SPACE_NAMES)
        wording(page)
        try:
            wanted, notes = tags.lines(typed())
            if not wanted:
                wanted = list(page.study.classes)
                notes.append(
                    f"No tag is typed, so the {len(wanted):,} classes of the collection are scored."
                )
            with st.spinner("Scoring …", show_time=False):
                scored = scored_tags.score(page, wanted)
        except UserError as error:
            widgets.notice(str(error))
            return None
        n, t = len(scored.gallery.vectors.item_ids), len(scored.tags)
        count = f"{n:,} {scored.gallery.plural} × {'1 tag' if t == 1 else f'{t:,} tags'}"
        done = f"{count}, embedded and scored in {scored.ms:,.0f} ms."
        widgets.small(" ".join([done, *notes, *unknown(page, scored)]))
    return scored


# -- the words -----------------------------------------------------------------------------------


def typed() -> str:
    """The text of the field, from the address or the session."""
    in_address = session.current().tags
    return "\n".join(in_address) if in_address else str(st.session_state.get(TYPED, ""))


def keep(text: str) -> None:
    """Make this the typed text: in the address if it fits. For callbacks."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    lines = list(dict.fromkeys(line for line in lines if line))
    short = all(len(line) <= state.MAX_LENGTH and line.isprintable() for line in lines)
    fits = short and len(lines) <= MAX_TAGS and sum(map(len, lines)) <= MAX_LETTERS
    st.session_state[TYPED] = "" if fits else text
    session.change(tags=tuple(lines) if fits else ())


def add(more: Sequence[str]) -> None:
    """Add lines below the typed ones. For callbacks."""
    lines = [line for line in typed().splitlines() if line.strip()]
    keep("\n".join(dict.fromkeys([*lines, *more])))


def clear() -> None:
    keep("")
    session.change(open_tag="", new_classes=(), tag_cell="")


def field(page: Page) -> None:
    """The words, one tag per line."""
    st.text_area(
        "Tags, one per line",
        height=190,
        placeholder=EXAMPLES,
        **session.tied(FIELD, typed(), lambda text: keep(text or "")),
        help=f"Any words, up to {tags.MAX_TAGS:,} lines. Press Ctrl+Enter or click beside the "
        "field to score them",
    )
    with st.container(horizontal=True, gap="small"):
        st.button("Score", type="primary", key="score_tags", help="Scores the typed tags")
        quiet_button = widgets.quiet_button
        classes_help = "Adds the classes of the collection: their scores are also measured"
        quiet_button(
            "Add the classes", "add_classes", add, page.study.classes, icon="add", help=classes_help
        )
        quiet_button("Try some words", "try_words", add, EXAMPLES.splitlines(), icon="lightbulb")
        quiet_button("Clear", "clear_tags", clear, icon="close", disabled=not typed())
    if st.session_state.get(TYPED) and not session.current().tags:
        widgets.small("This list is too long for the address: it stays in your session.")


def unknown(page: Page, scored: ScoredTags) -> list[str]:
    """A sentence about an encoder that knows few words, and one about tags it does not know."""
    notes = []
    if page.encoders["text"] == "lsa":
        notes.append(
            "The text encoder lsa was fitted on the captions of this collection and knows no "
            "other words."
        )
    lost = [tag for tag, known in zip(scored.tags, scored.known, strict=True) if not known]
    if lost:
        named = ", ".join(f"“{tag[:40]}”" for tag in lost[:N_NAMED])
        more = f" and {len(lost) - N_NAMED} more" if len(lost) > N_NAMED else ""
        notes.append(f"It knows no word of {named}{more}, which cannot be scored.")
    return notes


# -- the wording ---------------------------------------------------------------------------------


def wording(page: Page) -> None:
    """How a tag is put into words: a stored wording, or a typed one."""
    stored = stored_wordings(page)
    if session.current().wording == "" and stored:
        session.change(wording=stored[0])
    chosen = session.current().wording
    is_own = chosen not in stored

    def choose(new: str) -> None:
        session.change(wording="a {tag} piece" if new == OWN else new)

    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        st.selectbox(
            "Wording",
            [*stored, OWN],
            help="How a tag is put into words before it is embedded. The listed wordings were "
            "measured with the study",
            **session.tied(WORDING, OWN if is_own else chosen, choose),
        )
        if is_own:
            st.text_input(
                f"Your wording, with {tags.TAG}",
                max_chars=200,
                **session.tied(
                    OWN_WORDING, chosen, lambda new: session.change(wording=new or tags.TAG)
                ),
            )


def stored_wordings(page: Page) -> list[str]:
    """The wordings that the study measured, in its order."""
    found = [str(prompt) for prompt in page.study.config.get("prompts") or (tags.TAG,)]
    return [*found, *([tags.DESCRIPTION] if page.study.dataset.get("descriptions") else [])]
