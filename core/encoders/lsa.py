"""`lsa`: latent semantic analysis of the study's own captions. No weights, no download.

TF-IDF over words and pairs of neighbouring words (1 + ln of the count, smoothed inverse document
frequency, unit length: scikit-learn's `TfidfVectorizer(sublinear_tf=True)`), then a truncated
singular value decomposition to at most 128 numbers (Deerwester et al. 1990), scaled to unit length.
Words are lower case, without accents and plural endings (Harman 1991); function words ("the", "of")
are left out, negations and numbers are kept. All words count; pairs only when two captions share
them.

This encoder is *fitted*: `fit(captions, seed)` on the captions of the translation subset, stored
with `arrays()` beside the vectors, restored with `from_arrays`. It knows only the words of those
captions. A text of unknown words is the zero vector, whose cosine with everything is 0;
`unknown_words` lists them.

TF-IDF is computed here: importing scikit-learn for it would add a second to the first query of a
process (EXPERIMENTS.md).
"""

import dataclasses
import functools
import hashlib
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.encoders.base import Card, Encoder
from core.errors import UserError

MAX_DIM = 128
MAX_TERMS = 30_000
MAX_CHARACTERS = 100_000  # of one text; the rest is not read
LEAST_SINGULAR = 1e-4  # of the largest; smaller singular values are rounding errors

STOP_WORDS = frozenset(
    """
    a an the and or but if of in on at to from by for with into onto over as is are was were be
    been being am do does did has have had having it its this that these those there here which
    who whom whose what when where how i you he she we they me him her us them my your his our
    their so than then too very can could will would shall should may might must also just such
    some any each other
    """.split()  # noqa: SIM905 (ninety quoted strings are hard to read)
)

CARD = Card(
    name="lsa",
    modality="text",
    dim=MAX_DIM,
    title="Latent semantic analysis of the study's own captions: it cannot know unseen words",
    licence="MIT (part of this project)",
    citation="Deerwester et al., Indexing by Latent Semantic Analysis, JASIS 1990",
    parameters=0,
    fitted=True,
)

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")


@dataclasses.dataclass(frozen=True, eq=False)
class Lsa:
    """A fitted `lsa`; its card has the length of the vectors found.

    terms : words and pairs of words ("slow violin"), sorted
    idf : `(n_terms,)` float32, the inverse document frequencies
    components : `(n_terms, dim)` float32, orthonormal columns
    """

    terms: tuple[str, ...]
    idf: np.ndarray
    components: np.ndarray

    @property
    def dim(self) -> int:
        return self.components.shape[1]

    @functools.cached_property
    def card(self) -> Card:
        return dataclasses.replace(CARD, dim=self.dim)

    @functools.cached_property
    def weights_sha256(self) -> str:
        """Over all arrays, so that it differs for each fit."""
        digest = hashlib.sha256()
        for name, values in sorted(self.arrays().items()):
            digest.update(f"{name} {values.dtype} {values.shape}\n".encode())
            digest.update(values.tobytes())
        return digest.hexdigest()

    @functools.cached_property
    def _rows(self) -> dict[str, int]:
        return {term: row for row, term in enumerate(self.terms)}

    def embed(self, media: Sequence[str]) -> np.ndarray:
        """`(n, dim)` float32, unit length; zeros for a text without a known word.

        Raises ValueError for anything but a string.
        """
        weighted = _tfidf([terms_of(text) for text in media], self._rows, self.idf)
        vectors = np.asarray(weighted @ self.components, np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 1e-6)

    def unknown_words(self, text: str) -> list[str]:
        """The words of a text that are in no caption, in order, each once, as written."""
        found: dict[str, None] = {}
        for written in _written(text):
            word = _word(written)
            if word and word not in self._rows:
                found[written] = None
        return list(found)

    def arrays(self) -> dict[str, np.ndarray]:
        """All fitted values: `terms` as the bytes of UTF-8 lines, `idf`, `components`."""
        lines = "\n".join(self.terms).encode()
        return {
            "terms": np.frombuffer(lines, np.uint8),
            "idf": self.idf,
            "components": self.components,
        }

    @staticmethod
    def from_arrays(arrays: dict[str, np.ndarray]) -> "Lsa":
        """The encoder whose `arrays()` these are. Raises UserError when they are damaged."""
        try:
            terms = tuple(bytes(np.asarray(arrays["terms"], np.uint8)).decode().split("\n"))
            idf, components = arrays["idf"], arrays["components"]
            fits = components.ndim == 2 and idf.shape == (len(terms),) == components.shape[:1]
        except (KeyError, UnicodeDecodeError, ValueError, AttributeError) as error:
            raise UserError(_DAMAGED) from error
        if not fits:
            raise UserError(_DAMAGED)
        return Lsa(terms, idf, components)


_DAMAGED = (
    "The stored lsa encoder is damaged: expected terms, idf and components of one length; run "
    "`python -m precompute extract` again."
)


def fit(texts: Sequence[str], seed: int) -> Lsa:
    """The `lsa` of a corpus.

    Parameters
    ----------
    texts : sequence of str
        The captions of the translation subset.
    seed : int
        Seed of the randomised decomposition (Halko et al. 2011).

    Raises
    ------
    UserError
        Fewer than two captions have words, or all are the same.
    """
    from sklearn.decomposition import TruncatedSVD

    documents = [terms_of(text) for text in texts]
    documents = [each for each in documents if each]
    terms = _chosen(documents)
    if len(documents) < 2 or len(terms) < 2:
        raise UserError(
            f"The text encoder lsa cannot be fitted on {len(texts):,} captions, of which "
            f"{len(documents):,} have words: expected at least two that differ; name another text "
            "encoder."
        )
    rows = {term: row for row, term in enumerate(terms)}
    in_documents = Counter(term for each in documents for term in set(each) if term in rows)
    counts = np.array([in_documents[term] for term in terms])
    idf = (np.log((1 + len(documents)) / (1 + counts)) + 1).astype(np.float32)
    weighted = _tfidf(documents, rows, idf)
    n_components = min(MAX_DIM, len(terms) - 1, len(documents) - 1)
    svd = TruncatedSVD(max(1, n_components), n_iter=7, random_state=seed)
    svd.fit(weighted.astype(np.float64))
    kept = svd.singular_values_ > LEAST_SINGULAR * svd.singular_values_[0]
    components = np.ascontiguousarray(svd.components_[kept].T, np.float32)
    return Lsa(tuple(terms), idf, components)


def terms_of(text: str) -> list[str]:
    """The normalised words of a text, then its pairs of neighbouring words, in order.

    Raises ValueError for anything but a string.
    """
    words = [word for word in map(_word, _written(text)) if word]
    return words + [f"{one} {other}" for one, other in itertools.pairwise(words)]


def load(weights_dir: Path | None, n_threads: int) -> Encoder:
    """Always raises UserError: `lsa` needs the study's captions."""
    raise UserError(
        "The text encoder lsa is fitted on the study's own captions and cannot be loaded without "
        "a study: run `python -m precompute extract`, or name another text encoder."
    )


def _chosen(documents: Iterable[Sequence[str]]) -> list[str]:
    """Every word, and pairs in at least two documents; the most frequent MAX_TERMS, sorted."""
    in_documents = Counter(term for each in documents for term in set(each))
    wanted = [term for term, n in in_documents.items() if n > 1 or " " not in term]
    wanted.sort(key=lambda term: (-in_documents[term], term))
    return sorted(wanted[:MAX_TERMS])


def _tfidf(documents: Sequence[Sequence[str]], rows: dict[str, int], idf: np.ndarray) -> Any:
    """`(n, n_terms)` sparse float32: TF-IDF of each document, scaled to unit length."""
    from scipy.sparse import csr_matrix

    values: list[float] = []
    columns: list[int] = []
    ends = [0]
    for document in documents:
        counts = Counter(rows[term] for term in document if term in rows)
        found = np.fromiter(counts.values(), np.float64, len(counts))
        weighted = (1 + np.log(found)) * idf[list(counts)] if counts else found
        values.extend(weighted / (np.linalg.norm(weighted) or 1.0))
        columns.extend(counts)
        ends.append(len(columns))
    shape = (len(documents), len(rows))
    return csr_matrix((np.asarray(values, np.float32), columns, ends), shape=shape)


def _written(text: str) -> list[str]:
    """The words of a text, unchanged."""
    if not isinstance(text, str):
        raise ValueError(f"expected text (str), found {type(text).__name__}")
    return _WORD.findall(unicodedata.normalize("NFKC", text[:MAX_CHARACTERS]))


@functools.lru_cache(maxsize=2**16)
def _word(written: str) -> str:
    """A normalised word: lower case, no accents, singular; "" for a stop word."""
    parts = unicodedata.normalize("NFD", written.casefold())
    plain = "".join(each for each in parts if unicodedata.category(each) != "Mn")
    return "" if plain in STOP_WORDS else _singular(plain)


def _singular(word: str) -> str:
    """An English plural without its ending (Harman's S stemmer); other words unchanged."""
    if word.endswith("'s"):
        return word[:-2]
    if len(word) < 4 or not word.isascii():
        return word
    if word.endswith("ies") and not word.endswith(("eies", "aies")):
        return word[:-3] + "y"
    if word.endswith("es") and not word.endswith(("aes", "ees", "oes")):
        return word[:-1]
    if word.endswith("s") and not word.endswith(("us", "ss")):
        return word[:-1]
    return word
