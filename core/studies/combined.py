"""SMT, the combined classifier: experts in two spaces, weighted by the training items alone.

It classifies items of a target modality, of which n are labelled, with all items of the other
modality, the source. Two experts each model a class as a Gaussian; all classes share a covariance
(linear discriminant analysis, Fisher 1936).

- The expert of the shared space starts from the source's class means, and moves them towards those
  of the n target items: a mean counts as `relevance` items (Reynolds et al. 2000, relevance MAP).
- The expert of the target's own space (PCA) has the n target items alone.

Their log-probabilities are summed with weights (a logarithmic opinion pool, Genest and Zidek
1986). The weights and `relevance` are those with which held-out target items get the highest
probability. Where classes have fewer than `FEW` items, held-out items say little; then the shared
space decides alone. Without target items the classifier is the source expert.

No label of a test item is read. Unlabelled items of the translation subset serve to centre each
modality in the shared space (`aligned`), and to scale the PCA vectors (`scaled`).

    model = fit(source, source_y, shared, own, y, n_classes=18, seed=0)
    probabilities = model.predict_proba(shared_test, own_test)
"""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.spatial.distance import cdist
from scipy.special import log_softmax

from core.errors import UserError

Float = NDArray[np.float64]

RELEVANCE = (1.0, 3.0, 10.0, 30.0, 100.0)
OWN_WEIGHTS = tuple(np.linspace(0, 1, 11).tolist())
SHARPNESS = (0.03, 0.06, 0.12, 0.25, 0.5, 1.0)
FEW = 3  # target items per class
N_FOLDS = 10
RELEVANCE_PENALTY = 2.0  # of log-probability, per squared log-ratio to the default
SHRINKAGE = 0.5  # of correlations in the shared space: the translation distorts them
SMALLEST_SCALE = 1e-3  # of the largest


@dataclass(frozen=True)
class Weights:
    """How the experts are combined; the defaults are for few target items.

    Parameters
    ----------
    relevance : items that a class mean of the source counts as
    own : share of the expert of the target's own space, from 0 to 1
    sharpness : factor of all log-probabilities; it does not change the predicted class
    """

    relevance: float = 3.0
    own: float = 0.0
    sharpness: float = 1.0


@dataclass(frozen=True)
class Gaussians:
    """A Gaussian for each class, with one covariance up to a factor."""

    means: Float  # (n_classes, d)
    spread: Float  # (n_classes,): factor of the covariance
    root: Float  # (d, d): the lower Cholesky factor of the covariance

    def log_proba(self, x: ArrayLike) -> Float:
        """Log-probabilities `(n, n_classes)` of x `(n, d)`; classes are equally frequent."""
        whole = np.concatenate([np.asarray(x, np.float64), self.means])
        white = solve_triangular(self.root, whole.T, lower=True).T
        squared = cdist(white[: -len(self.means)], white[-len(self.means) :], "sqeuclidean")
        d = self.means.shape[1]
        return np.asarray(
            log_softmax(-(squared / self.spread + d * np.log(self.spread)) / 2, axis=1)
        )


@dataclass(frozen=True)
class ClassSums:
    """What the experts need of labelled vectors; the sums of two sets can be added."""

    total: Float  # (n_classes, d)
    count: Float  # (n_classes,)
    scatter: Float  # (d, d): squared deviations from the class means
    degrees: int  # of freedom of the scatter

    @classmethod
    def of(cls, x: ArrayLike, y: NDArray[np.integer], n_classes: int) -> "ClassSums":
        x = np.asarray(x, np.float64)
        member = np.zeros((n_classes, len(y)))
        member[y, np.arange(len(y))] = 1.0
        total, count = member @ x, member.sum(axis=1)
        deviation = x - (total / np.maximum(count, 1)[:, None])[y]
        return cls(total, count, deviation.T @ deviation, len(y) - int(np.count_nonzero(count)))

    def means(self, start: Float, relevance: float) -> Float:
        """Class means that start from `start`, which counts as `relevance` items."""
        return (relevance * start + self.total) / (relevance + self.count)[:, None]


@dataclass(frozen=True)
class Combined:
    """A fitted classifier."""

    shared: Gaussians
    own: Gaussians | None
    weights: Weights

    def predict_proba(self, shared: ArrayLike, own: ArrayLike) -> NDArray[np.float32]:
        """Class probabilities `(n, n_classes)` of target items.

        Parameters
        ----------
        shared : (n, d) aligned vectors of the shared space
        own : (n, k) scaled PCA vectors
        """
        found = self.shared.log_proba(shared)
        if self.own is not None:
            found = _pool(found, self.own.log_proba(own), self.weights.own)
        return np.exp(log_softmax(self.weights.sharpness * found, axis=1)).astype(np.float32)


def aligned(x: ArrayLike, unlabelled: ArrayLike) -> NDArray[np.float32]:
    """x `(n, d)` minus the mean of unlabelled vectors of its modality, `(m, d)`."""
    return (np.asarray(x) - np.asarray(unlabelled).mean(axis=0)).astype(np.float32)


def scaled(x: ArrayLike, unlabelled: ArrayLike) -> NDArray[np.float32]:
    """x `(n, k)` by the standard deviations of unlabelled vectors of its modality, `(m, k)`."""
    scale = np.asarray(unlabelled).std(axis=0)
    tiny = float(np.finfo(np.float32).tiny)
    smallest = max(float(scale.max(initial=0.0)) * SMALLEST_SCALE, tiny)
    return (np.asarray(x) / np.maximum(scale, smallest)).astype(np.float32)


def fit(
    source: ArrayLike,
    source_y: NDArray[np.integer],
    shared: ArrayLike,
    own: ArrayLike,
    y: NDArray[np.integer],
    n_classes: int,
    seed: int,
) -> Combined:
    """Fit the experts and choose their weights.

    Parameters
    ----------
    source : (m, d) aligned vectors of the source, with classes `source_y` (m,)
    shared, own : (n, d) aligned and (n, k) scaled vectors of the n target items; n may be 0
    y : (n,) their classes, whole numbers in [0, n_classes)
    seed : of the folds

    Raises
    ------
    UserError
        There is no source item.
    """
    if len(source_y) == 0:
        raise UserError("The combined classifier found no items of the other modality: give some.")
    source, shared, own = (np.asarray(x, np.float64) for x in (source, shared, own))
    of_source = ClassSums.of(source, source_y, n_classes)
    start = of_source.means(source.mean(axis=0), 1e-9)  # a class without items: the overall mean
    if len(y) == 0:
        root = _root_of_shared(of_source, None)
        return Combined(Gaussians(start, np.ones(n_classes), root), None, Weights())
    weights = Weights()
    if len(y) >= FEW * n_classes:
        weights = _choose(of_source, start, shared, own, y, n_classes, seed)
    of_target = ClassSums.of(shared, y, n_classes)
    root = _root_of_shared(of_source, of_target)
    moved = _moved(of_target, start, weights.relevance, root)
    return Combined(moved, _own_expert(own, y, n_classes) if weights.own else None, weights)


def _choose(
    of_source: ClassSums,
    start: Float,
    shared: Float,
    own: Float,
    y: NDArray[np.integer],
    n_classes: int,
    seed: int,
) -> Weights:
    """The weights with which held-out items get the highest probability; ties: the first."""
    n = len(y)
    by_relevance = np.empty((len(RELEVANCE), n, n_classes))
    alone = np.empty((n, n_classes))
    fold = _folds(y, seed)
    for number in range(N_FOLDS):
        kept, held = fold != number, fold == number
        of_target = ClassSums.of(shared[kept], y[kept], n_classes)
        root = _root_of_shared(of_source, of_target)
        for at, relevance in enumerate(RELEVANCE):
            expert = _moved(of_target, start, relevance, root)
            by_relevance[at, held] = expert.log_proba(shared[held])
        alone[held] = _own_expert(own[kept], y[kept], n_classes).log_proba(own[held])
    best, chosen = np.inf, Weights()
    for (at, relevance), share in itertools.product(enumerate(RELEVANCE), OWN_WEIGHTS):
        pooled = _pool(by_relevance[at], alone, share)
        penalty = RELEVANCE_PENALTY * np.log(relevance / Weights.relevance) ** 2
        for sharpness in SHARPNESS:
            found = log_softmax(sharpness * pooled, axis=1)[np.arange(n), y]
            loss = penalty - float(found.sum())
            if loss < best - 1e-6:
                best, chosen = loss, Weights(relevance, share, sharpness)
    return chosen


def _folds(y: NDArray[np.integer], seed: int) -> NDArray[np.int64]:
    """The fold of each item; every fold has as equal a share of each class as can be."""
    shuffled = np.random.default_rng(seed).permutation(len(y))
    by_class = shuffled[np.argsort(y[shuffled], kind="stable")]
    fold = np.empty(len(y), np.int64)
    fold[by_class] = np.arange(len(y)) % N_FOLDS
    return fold


def _pool(shared: Float, own: Float, share: float) -> Float:
    return (1 - share) * shared + share * own


def _moved(of_target: ClassSums, start: Float, relevance: float, root: Float) -> Gaussians:
    """The source's class means, moved towards the target items; uncertain means spread."""
    spread = 1.0 + 1.0 / (relevance + of_target.count)
    return Gaussians(of_target.means(start, relevance), spread, root)


def _own_expert(own: Float, y: NDArray[np.integer], n_classes: int) -> Gaussians:
    """The expert of the own space. Its covariance starts from that of the unlabelled items, which
    is 1 in scaled vectors and counts as many items as there are dimensions."""
    sums = ClassSums.of(own, y, n_classes)
    d = own.shape[1]
    covariance = (sums.scatter + d * np.eye(d)) / (sums.degrees + d)
    return _moved(sums, own.mean(axis=0), 1.0, cholesky(covariance, lower=True))


def _root_of_shared(source: ClassSums, target: ClassSums | None) -> Float:
    """Cholesky factor of the scatter within classes of both modalities, with weaker
    correlations."""
    scatter, degrees = source.scatter, source.degrees
    if target is not None:
        scatter, degrees = scatter + target.scatter, degrees + target.degrees
    covariance = scatter / max(degrees, 1)
    variance = np.diag(covariance)
    variance = variance + max(1e-9 * float(variance.mean()), float(np.finfo(np.float32).tiny))
    shrunk = (1 - SHRINKAGE) * covariance + SHRINKAGE * np.diag(variance)
    return np.asarray(cholesky(shrunk, lower=True))
