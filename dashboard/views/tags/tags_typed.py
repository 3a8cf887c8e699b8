"""What is asked on the page Tags: the words, the gallery, the wording."""

from collections.abc import Sequence

import streamlit as st

from core.encoder_sets import READY
from core.errors import UserError
from core.figures import theme
from core.retrieval import tags
from dashboard import session
from dashboard.page import Page
from dashboard.shared import controls, widgets
from dashboard.views.tags import tagging

FIELD, OWN = "tags_field", "tags_own_wording"
OWN_WORDS = "your own …"
EXAMPLES = "slow bowed strings\na drum kit\nsomeone plays the flute\nbright and fast"


def show(page: Page, spaces: Sequence[str], targets: Sequence[str]) -> tagging.Tagged | None:
    """The inputs, and what the typed tags score; None, with a sentence, where nothing can."""
    left, right = st.columns([1.0, 1.1], gap="large")
    with left:
        field(page)
    with right:
        with controls.row():
            controls.one("Score", "tagged", targets, theme.marked)
            controls.one("In the space", "tagged_in", spaces, theme.SPACE_NAMES)
        wording(page)
        chosen = session.current()
        try:
            wanted, notes = tags.lines(tagging.typed())
            if not wanted:
                notes.append(
                    f"Nothing is typed: the collection's own {len(page.study.classes):,} classes "
                    "stand in."
                )
                wanted = list(page.study.classes)
            where = tagging.Where(
                page.handle, page.encoder_set, chosen.tagged_in, chosen.tagged, chosen.split
            )
            with st.spinner("Reading …", show_time=False):
                found = tagging.tagged(where, wanted, chosen.wording)
        except UserError as error:
            widgets.notice(str(error))
            return None
        widgets.small(" ".join([said(found), *notes, *unknown(page, found)]))
    return found


def field(page: Page) -> None:
    """The words, one tag a line."""
    st.session_state[FIELD] = tagging.typed()
    st.text_area(
        "Tags, one a line",
        key=FIELD,
        height=190,
        placeholder=EXAMPLES,
        on_change=lambda: tagging.keep(str(st.session_state[FIELD] or "")),
        help=f"Any words, up to {tags.MAX_TAGS:,} lines. Ctrl+Enter, or a click beside the field, "
        "scores them",
    )
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Score",
            type="primary",
            key="score_tags",
            help="Scores what stands in the field",
        )
        st.button(
            "Add the classes",
            key="add_classes",
            type="tertiary",
            icon=":material/add:",
            on_click=add,
            args=(tuple(page.study.classes),),
            help="The collection's own classes join the typed tags: these are measured too",
        )
        st.button(
            "Try some words",
            key="try_words",
            type="tertiary",
            icon=":material/lightbulb:",
            on_click=add,
            args=(tuple(EXAMPLES.splitlines()),),
        )
        st.button(
            "Clear",
            key="clear_tags",
            type="tertiary",
            icon=":material/close:",
            on_click=clear,
            disabled=not tagging.typed(),
        )
    if not tagging.in_address():
        widgets.small("This list is too long for the address: it stays in your session.")


def add(more: tuple[str, ...]) -> None:
    """Further lines below the typed ones. For callbacks."""
    typed = [line for line in tagging.typed().splitlines() if line.strip()]
    tagging.keep("\n".join(dict.fromkeys([*typed, *more])))


def clear() -> None:
    tagging.keep("")
    session.change(open_tag="", new_classes=(), tag_cell="")


def wording(page: Page) -> None:
    """How a tag is put into words: a stored wording, or one's own."""
    stored = stored_wordings(page)
    chosen = session.current().wording
    own = chosen not in stored
    if session.current().wording == "" and stored:
        session.change(wording=stored[0])
    st.session_state["tags_wording"] = OWN_WORDS if own else chosen

    def choose() -> None:
        new = st.session_state["tags_wording"]
        session.change(wording="a {tag} piece" if new == OWN_WORDS else new)

    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        st.selectbox(
            "Wording",
            [*stored, OWN_WORDS],
            key="tags_wording",
            on_change=choose,
            help="How a tag is put into words before it is read; those listed were measured with "
            "the study",
        )
        if own:
            st.session_state[OWN] = chosen
            st.text_input(
                f"Your wording, with {tags.TAG}",
                key=OWN,
                max_chars=200,
                on_change=lambda: session.change(wording=str(st.session_state[OWN] or "{tag}")),
            )


def stored_wordings(page: Page) -> list[str]:
    """The wordings that the study measured, in its order."""
    found = [str(prompt) for prompt in page.study.config.get("prompts") or (tags.TAG,)]
    if page.study.dataset.get("descriptions"):
        found.append(tags.DESCRIPTION)
    return found


def said(found: tagging.Tagged) -> str:
    n, t = len(found.gallery.item_ids), len(found.tags)
    things = theme.MODALITY_PLURALS[found.where.modality]
    tag = "1 tag" if t == 1 else f"{t:,} tags"
    return f"{n:,} {things} × {tag}, embedded and scored in {found.ms:,.0f} ms."


def unknown(page: Page, found: tagging.Tagged) -> list[str]:
    """Which tags hold no word that the encoder knows; an encoder fitted on captions says so."""
    encoder = page.encoders["text"]
    fitted = encoder == "lsa"
    notes = []
    if fitted:
        notes.append("lsa was fitted on this collection's captions and cannot know other words.")
    lost = [tag for tag, known in zip(found.tags, found.known, strict=True) if not known]
    if lost:
        shown = ", ".join(f"“{tag[:40]}”" for tag in lost[:4])
        more = f" and {len(lost) - 4} more" if len(lost) > 4 else ""
        notes.append(f"It knows no word of {shown}{more}: left out.")
    return notes


def can_read(page: Page) -> bool:
    """Whether words can be embedded: the pair has a text encoder, not ready vectors."""
    return not page.encoders.get("text", READY).startswith(READY)
