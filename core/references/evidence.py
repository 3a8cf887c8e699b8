"""Whether a study agrees with a reported finding: a test, and one of three outcomes.

A verdict is "as there", "unlike there", or "not decided" by this much data, and it names its test.
Intervals hold 95 %, p-values decide at 0.05. Lengths of two spaces are never compared as they are:
ratios within a space, or of distances divided by each space's own scale, have no unit.

    by_interval(0.62, *mean_interval(ratios), limit=1.0, below=True, over="5 splits")
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]

AS_THERE, UNLIKE, OPEN = "as there", "unlike there", "not decided"
LEVEL = 0.05
N_PERMUTATIONS = 2_000


@dataclass(frozen=True)
class Verdict:
    """Whether the study agrees, and the test that says so, in a few words."""

    outcome: str
    test: str


def by_interval(
    value: float, low: float, high: float, *, limit: float, below: bool, over: str
) -> Verdict:
    """The finding is that a value is below a limit (or above it); `over` says what varies."""
    if not np.isfinite([low, high]).all():
        return Verdict(OPEN, f"{value:.2f}, without an interval: {over}")
    outcome = OPEN
    if low > limit or high < limit:
        outcome = AS_THERE if (high < limit) == below else UNLIKE
    return Verdict(outcome, f"{value:.2f}, interval {low:.2f} to {high:.2f} over {over}")


def by_p(p_there: float, p_unlike: float, test: str) -> Verdict:
    """One-sided p-values of the finding and of its opposite."""
    if not np.isfinite([p_there, p_unlike]).all():
        return Verdict(OPEN, f"{test}: undefined")
    smaller = min(p_there, p_unlike)
    outcome = OPEN if smaller >= LEVEL else AS_THERE if p_there < p_unlike else UNLIKE
    text = "p < 0.001" if smaller < 0.001 else f"p = {min(smaller, 1.0):.3f}"
    return Verdict(outcome, f"{text}, {test}")


def together(verdicts: Mapping[str, Verdict]) -> Verdict:
    """One verdict on several parts: as there if all are, unlike there if any is."""
    outcomes = {one.outcome for one in verdicts.values()}
    outcome = UNLIKE if UNLIKE in outcomes else OPEN if OPEN in outcomes else AS_THERE
    return Verdict(outcome, "; ".join(f"{name}: {one.test}" for name, one in verdicts.items()))


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """Student's interval of a mean of independent runs; NaN for fewer than two."""
    from scipy.stats import t

    n = len(values)
    if n < 2:
        return float("nan"), float("nan")
    half = float(t.ppf(1 - LEVEL / 2, n - 1) * np.std(values, ddof=1) / np.sqrt(n))
    mean = float(np.mean(values))
    return mean - half, mean + half


def ratio_over_classes(
    ratio: Callable[[npt.NDArray[np.bool_]], float], classes: Sequence[str]
) -> tuple[float, float, float]:
    """A positive ratio with its jackknife interval: each class is left out in turn.

    `ratio` gets a mask of the centroids to use; `classes` has the class of each. The interval is
    symmetric in the logarithm (Efron and Tibshirani 1993, §11.5), NaN for fewer than three classes.
    """
    from scipy.stats import t

    of = np.array(classes, dtype=object)
    names = list(dict.fromkeys(classes))
    value = ratio(np.ones(len(of), dtype=bool))
    n, nan = len(names), float("nan")
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.log([ratio(of != name) for name in names]) if n > 2 else np.array([nan])
    if not np.isfinite(logs).all() or not value > 0:
        return value, nan, nan
    error = float(np.sqrt((n - 1) / n * np.square(logs - logs.mean()).sum()))
    reach = np.exp(t.ppf(1 - LEVEL / 2, n - 1) * error)
    return value, value / reach, value * reach


def closer_than_any(
    distances: Float, chosen: npt.NDArray[np.bool_], groups: Sequence[str]
) -> Verdict:
    """Whether the centroids of some groups are closer to each other than those of other groups.

    A permutation test: as many groups are drawn at random, `N_PERMUTATIONS` times.
    """
    of = np.array(groups, dtype=object)
    names = np.array(list(dict.fromkeys(groups)), dtype=object)
    n_chosen = len(set(of[chosen]))
    observed = between(distances[np.ix_(chosen, chosen)])
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(N_PERMUTATIONS):
        mask = np.isin(of, rng.permutation(names)[:n_chosen])
        drawn.append(between(distances[np.ix_(mask, mask)]))
    found = np.array(drawn)
    p_there = (1 + int((found <= observed).sum())) / (N_PERMUTATIONS + 1)
    p_unlike = (1 + int((found >= observed).sum())) / (N_PERMUTATIONS + 1)
    return by_p(p_there, p_unlike, f"permutation of the {len(names)} classes")


def higher_ranks(values: Float, chosen: npt.NDArray[np.bool_]) -> Verdict:
    """Whether some values are larger than the others: Mann and Whitney's U test."""
    from scipy.stats import mannwhitneyu

    sides = [
        float(mannwhitneyu(values[chosen], values[~chosen], alternative=way).pvalue)
        for way in ("greater", "less")
    ]
    return by_p(sides[0], sides[1], f"U test of {int(chosen.sum())} against {int((~chosen).sum())}")


def correlated(value: float, n: int) -> Verdict:
    """Whether a correlation over n classes is positive (t approximation)."""
    from scipy.stats import t

    if n < 3 or not np.isfinite(value):
        return Verdict(OPEN, f"{n} classes are too few for a test")
    bounded = min(max(value, -1 + 1e-12), 1 - 1e-12)
    statistic = bounded * np.sqrt((n - 2) / (1 - bounded**2))
    above = float(t.sf(statistic, n - 2))
    return by_p(above, 1 - above, f"t test of a correlation over {n} classes")


def rarer(count: int, n: int, other: int, n_other: int) -> Verdict:
    """Whether one event is rarer than another: Fisher's exact test of two counts."""
    from scipy.stats import fisher_exact

    table = [[count, n - count], [other, n_other - other]]
    sides = [float(fisher_exact(table, alternative=way).pvalue) for way in ("less", "greater")]
    return by_p(sides[0], sides[1], "Fisher's exact test")


def between(matrix: Float) -> float:
    """The mean distance of two different centroids; NaN for fewer than two."""
    if len(matrix) < 2:
        return float("nan")
    return float(np.nanmean(matrix[~np.eye(len(matrix), dtype=bool)]))
