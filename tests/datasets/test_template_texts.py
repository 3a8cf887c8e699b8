"""Texts from class names and from tags."""

from core.datasets import template_texts


def test_class_names_are_put_into_templates() -> None:
    assert template_texts.of_class("French_Horn", ["{name}", "{a}", "{the}"]) == [
        "french horn",
        "a french horn",
        "the french horn",
    ]
    assert template_texts.of_class("oboe", ["{a}"]) == ["an oboe"]
    assert template_texts.of_class("ukulele", ["{a}"]) == ["a ukulele"]
    assert template_texts.of_class("drums", ["{a}"]) == ["drums"]
    assert template_texts.of_class("double_bass", ["{a}"]) == ["a double bass"]
    assert len(set(template_texts.INSTRUMENT_TEMPLATES)) == len(template_texts.INSTRUMENT_TEMPLATES)


def test_a_sentence_has_every_tag_and_depends_on_track_and_seed_only() -> None:
    tags = {"genre": ["rock", "pop"], "instrument": ["harp"], "mood/theme": ["happy"]}
    (text,) = template_texts.of_tags(tags, "track_1", 0)
    assert all(word in text for word in ("rock", "pop", "harp", "happy"))
    assert template_texts.of_tags(tags, "track_1", 0) == (text,)
    others = {template_texts.of_tags(tags, f"track_{n}", 0) for n in range(30)}
    assert len(others) > 20
    assert template_texts.of_tags({"genre": []}, "track_1", 0) == ()


def test_tags_of_an_unknown_kind_are_put_into_plain_sentences() -> None:
    texts = {template_texts.of_tags({"": ["slow"]}, str(n), 0) for n in range(60)}
    assert texts == {(plain.format(tags="slow"),) for plain in template_texts.PLAIN}
