"""`lsa` against scikit-learn's TF-IDF and a full SVD; known and unknown words."""

import numpy as np
import pytest

from core import encoders
from core.encoders import lsa
from core.errors import UserError

TIMES = ["slow", "fast", "lively", "calm"]
MOODS = ["warm", "bright", "dark", "sad"]
NAMES = ["violin", "flute", "drum kit", "piano", "accordion", "choir"]
CAPTIONS = [
    f"A {mood} {name} plays a {time} phrase" for mood in MOODS for name in NAMES for time in TIMES
]


@pytest.fixture(scope="module")
def fitted() -> lsa.Lsa:
    return lsa.fit(CAPTIONS, seed=0)


def test_vectors_have_unit_length_and_the_cards_dim(fitted: lsa.Lsa) -> None:
    vectors = fitted.embed(CAPTIONS)
    assert vectors.shape == (len(CAPTIONS), fitted.card.dim)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert fitted.card.fitted
    assert fitted.card.dim == fitted.dim <= lsa.MAX_DIM


def test_tfidf_is_scikit_learns() -> None:
    """With all terms and no decomposition."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = ["drum drum drum flute", "flute solo flute", "drum solo", "solo"]
    expected = TfidfVectorizer(sublinear_tf=True).fit_transform(texts).toarray()
    words = sorted({"drum", "flute", "solo"})
    rows = {word: row for row, word in enumerate(words)}
    counts = np.array([2, 2, 3])
    idf = (np.log((1 + 4) / (1 + counts)) + 1).astype(np.float32)
    found = lsa._tfidf([text.split() for text in texts], rows, idf).toarray()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_cosines_are_those_of_tfidf_where_nothing_is_cut_off() -> None:
    """With few captions the decomposition keeps all of their directions but one."""
    texts = ["a slow violin", "a fast violin", "a fast drum", "a loud drum", "a loud trumpet"]
    model = lsa.fit(texts, seed=0)
    rows = {term: row for row, term in enumerate(model.terms)}
    plain = lsa._tfidf([lsa.terms_of(text) for text in texts], rows, model.idf).toarray()
    _, _, directions = np.linalg.svd(plain.astype(np.float64), full_matrices=False)
    kept = plain @ directions[: model.dim].T
    kept /= np.linalg.norm(kept, axis=1, keepdims=True)
    found = model.embed(texts)
    np.testing.assert_allclose(found @ found.T, kept @ kept.T, rtol=0, atol=1e-5)


def test_only_directions_of_the_captions_are_kept(fitted: lsa.Lsa) -> None:
    documents = [lsa.terms_of(text) for text in CAPTIONS]
    rows = {term: row for row, term in enumerate(fitted.terms)}
    rank = np.linalg.matrix_rank(lsa._tfidf(documents, rows, fitted.idf).toarray(), tol=1e-3)
    assert fitted.dim <= rank < len(fitted.terms)


def test_words_find_their_captions(fitted: lsa.Lsa) -> None:
    gallery = fitted.embed(CAPTIONS)
    for asked, wanted in (
        ("slow violins", ("slow", "violin")),
        ("the drum kit!", ("drum kit",)),
        ("BRIGHT flute", ("bright", "flute")),
        ("someone plays the accordion, lively", ("accordion", "lively")),
    ):
        scores = gallery @ fitted.embed([asked])[0]
        best = [CAPTIONS[row] for row in np.argsort(-scores)[:4]]
        assert all(word in caption for caption in best for word in wanted), asked


def test_unseen_words_are_named_and_alone_give_zeros(fitted: lsa.Lsa) -> None:
    assert fitted.unknown_words("A slow Zither and the drums, zither and Kazoos") == [
        "Zither",
        "zither",
        "Kazoos",
    ]
    assert fitted.unknown_words("the slow violins") == []
    np.testing.assert_array_equal(fitted.embed(["zither", "", "🎻", "the of"]), 0)


def test_the_same_seed_gives_the_same_vectors(fitted: lsa.Lsa) -> None:
    again = lsa.fit(CAPTIONS, seed=0)
    np.testing.assert_array_equal(again.embed(CAPTIONS), fitted.embed(CAPTIONS))
    assert again.weights_sha256 == fitted.weights_sha256
    assert lsa.fit(CAPTIONS[:50], seed=0).weights_sha256 != fitted.weights_sha256
    assert lsa.fit(CAPTIONS[::-1], seed=0).terms == fitted.terms


def test_arrays_bring_it_back_through_a_file(fitted: lsa.Lsa, tmp_path: object) -> None:
    path = f"{tmp_path}/lsa.npz"
    np.savez(path, **fitted.arrays())
    with np.load(path, allow_pickle=False) as stored:
        back = lsa.Lsa.from_arrays(dict(stored))
    np.testing.assert_array_equal(back.embed(CAPTIONS), fitted.embed(CAPTIONS))
    assert back.weights_sha256 == fitted.weights_sha256
    assert back.terms == fitted.terms


@pytest.mark.parametrize("name", ["terms", "idf", "components"])
def test_damaged_arrays_are_refused(name: str, fitted: lsa.Lsa) -> None:
    arrays = fitted.arrays()
    for damaged in (
        {other: values for other, values in arrays.items() if other != name},
        arrays | {name: arrays[name][: len(arrays[name]) // 2]},
        arrays | {name: np.full(4, 255, np.uint8)},
    ):
        with pytest.raises(UserError, match="stored lsa encoder is damaged"):
            lsa.Lsa.from_arrays(damaged)


@pytest.mark.parametrize("texts", [[], ["", "  "], ["violin"], ["a", "the", "violin"]])
def test_too_few_captions_are_refused(texts: list[str]) -> None:
    with pytest.raises(UserError, match=r"lsa cannot be fitted on \d captions"):
        lsa.fit(texts, seed=0)


def test_two_captions_are_enough() -> None:
    assert lsa.fit(["a violin", "a drum"], seed=0).dim >= 1


def test_it_cannot_be_loaded_by_name() -> None:
    assert "lsa" in encoders.names("text")
    with pytest.raises(UserError, match="fitted on the study's own captions"):
        encoders.load("lsa")


def test_anything_but_a_string_is_refused(fitted: lsa.Lsa) -> None:
    with pytest.raises(ValueError, match=r"expected text \(str\), found int"):
        fitted.embed([7])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Violins and cellos", ["violin", "cello", "violin cello"]),
        ("the brass, the BASS", ["brass", "bass", "brass bass"]),
        ("Café-melodies", ["cafe", "melody", "cafe melody"]),
        ("no drums", ["no", "drum", "no drum"]),
        ("80's synths", ["80", "synth", "80 synth"]),
        ("<b>drum</b>", ["b", "drum", "b", "b drum", "drum b"]),
    ],
)
def test_terms(text: str, terms: list[str]) -> None:
    assert lsa.terms_of(text) == terms


def test_long_texts_are_read_to_their_limit(fitted: lsa.Lsa) -> None:
    long = "violin " * 50_000
    found = fitted.embed([long, "violin"])
    assert found[0] @ found[1] > 0.9
    np.testing.assert_array_equal(fitted.embed([" " * lsa.MAX_CHARACTERS + "violin"]), 0)
