"""The suite ``published``: validation masks run again, ours beside the published figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

import numpy as np

from benchmarks.manifest import library_versions
from benchmarks.progress import Progress
from benchmarks.run import check_names, compute, plan
from benchmarks.store import Store
from benchmarks.suites import FOLDS, PUBLISHED, Suite
from benchmarks.supervisor import Limits
from datasets import DATASETS
from datasets.errors import DataUnavailableError
from reports.claims import Claim, claims_page
from reports.html import to_html
from reports.markdown import to_markdown
from reports.results import TABLE, Record


@dataclass(frozen=True)
class Figure:
    """A published figure of one imputer: as printed, what counts as met, and its source."""

    imputer: str
    published: str
    low: float
    high: float
    source: str


@dataclass(frozen=True)
class Trial:
    """One table and the masks of it for which figures were published.

    Parameters
    ----------
    mechanisms, rate : the masks; of several, the score is the mean.
    metric, column : the score that was published.
    """

    dataset: str
    mechanisms: tuple[str, ...]
    rate: float
    metric: str
    column: str
    figures: tuple[Figure, ...]

    @property
    def suite(self) -> Suite:
        """The cells to run."""
        imputers = tuple(figure.imputer for figure in self.figures)
        return Suite(PUBLISHED, self.dataset, self.mechanisms, (self.rate,), (1,), imputers, 5)


NOTEBOOK = "MIWAE authors' notebook"
NOT_MIWAE = "Ipsen et al. 2021, table 1"
SELF_MASKING = f"{NOT_MIWAE}; is told that missingness is a logistic curve in the missing value"
NGRAMS = "n-grams and logistic regression; six hold-outs"
MEI = "in Mei et al. 2021, their split"
RERUN = "public protocol, run again with scikit-learn"
PEER = "independent implementation on this mask"
TRIALS = (
    Trial(
        "wdbc",
        ("miwae-demo",),
        0.5,
        "pooled-mse",
        TABLE,
        (
            Figure("mean", "1.0275", 1.027, 1.028, RERUN),
            Figure(
                "knn(k=5, distance='euclidean', weights='uniform')", ".5694", 0.5644, 0.5744, f"{RERUN}, KNNImputer"
            ),
            Figure("knn(k=10, distance='euclidean')", ".5542", 0.5492, 0.5592, f"{RERUN}, KNNImputer"),
            Figure("knne", ".6664", -inf, 0.6664, f"{PEER}, uniform subsets; relevance must do better"),
            Figure("fuzzy-k-means(clusters=10, fuzzifier=1.5)", ".5397", 0.5197, 0.5597, PEER),
            Figure("gaussian-em", ".2363", -inf, 0.2463, f"{PEER}, without our ridge"),
            Figure("gmm(components=1)", ".2363", -inf, 0.2463, f"{PEER}, without our ridge"),
            Figure("gmm(components=2)", ".2446", -inf, 0.2546, f"{PEER}, without our ridge"),
            Figure("regression(sweeps=10)", ".333", -inf, 0.343, f"{RERUN}, IterativeImputer"),
            Figure("miwae", ".2867", -inf, 0.30, f"{NOTEBOOK}, 1,001 epochs"),
            Figure("miwae-hyperimpute", ".2867", -inf, 0.30, f"{NOTEBOOK}, 1,001 epochs; here 600 steps"),
        ),
    ),
    Trial(
        "wdbc",
        ("above-mean",),
        0.5,
        "pooled-rmse",
        TABLE,
        (
            Figure("mean", "1.82", 1.8195, 1.8205, f"{NOT_MIWAE}; 1.820 {RERUN}"),
            Figure("regression(sweeps=10)", "1.17", -inf, 1.17, f"{NOT_MIWAE}, MICE; .946 {RERUN}"),
            Figure("missforest", "1.57", -inf, 1.57, f"{NOT_MIWAE}; 1.483 {RERUN}"),
            Figure("miwae", "1.20", -inf, 1.25, NOT_MIWAE),
            Figure("not-miwae", "0.74", -inf, 0.79, SELF_MASKING),
        ),
    ),
    *(
        Trial(
            f"wine-{colour}",
            ("above-mean",),
            0.5,
            "pooled-rmse",
            TABLE,
            (
                Figure("mean", printed[0], mean - 5e-4, mean + 5e-4, f"{NOT_MIWAE}; {mean} {RERUN}"),
                Figure(
                    "regression(sweeps=10)", printed[1], ice - 0.005, ice + 0.005, f"{NOT_MIWAE}, MICE; {ice} {RERUN}"
                ),
                Figure("missforest", printed[2], -inf, float(printed[2]), NOT_MIWAE),
                Figure("miwae", printed[3], -inf, float(printed[3]) + 0.05, NOT_MIWAE),
                Figure("not-miwae", printed[4], -inf, float(printed[4]) + 0.05, SELF_MASKING),
            ),
        )
        for colour, mean, ice, printed in (
            ("red", 1.838, 1.681, ("1.83", "1.68", "1.64", "1.62", "1.08")),
            ("white", 1.739, 1.412, ("1.74", "1.41", "1.63", "1.55", "1.04")),
        )
    ),
    Trial(
        "restaurant",
        FOLDS,
        0.1,
        "accuracy",
        "city",
        (
            Figure("mean", ".271 ± .032", 0.239, 0.303, "mode; six hold-outs"),
            Figure("knn-1", ".663", 0.613, inf, "string 1-NN; six hold-outs"),
            Figure("knn(k=5)", ".725", 0.675, inf, "string 5-NN; six hold-outs"),
            Figure("dlm", ".634 ± .039", 0.594, inf, "independent implementation, six hold-outs; Song & Sun 2020"),
            Figure("holoclean", ".331", 0.23, 0.50, f"{MEI}; the order of magnitude is asked for"),
            Figure("ngram-logistic", ".851 ± .028", 0.84, inf, NGRAMS),
            Figure("datawig", ".851 ± .028", 0.84, inf, NGRAMS),
            Figure("ipm-multi(passes=8)", ".772", 0.772, inf, f"{MEI}, RoBERTa"),
            Figure("ipm-binary(passes=8)", ".772", 0.772, inf, f"{MEI}, RoBERTa"),
        ),
    ),
)


def run_published(out: Path, *, n_jobs: int, limits: Limits, progress: Progress) -> Path:
    """Run what is missing of every trial and write ``published.md`` and ``.html`` below ``out/published/``."""
    for trial in TRIALS:
        check_names(trial.suite)
    claims = [claim for trial in TRIALS for claim in _claims(trial, out, n_jobs, limits, progress)]
    versions = ", ".join(f"{name} {version}" for name, version in library_versions().items())
    page = claims_page(claims, versions)
    folder = out / PUBLISHED
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "published.html").write_text(to_html(page, {}), encoding="utf-8")
    (folder / "published.md").write_text(to_markdown(page), encoding="utf-8")
    return folder / "published.md"


def _claims(trial: Trial, out: Path, n_jobs: int, limits: Limits, progress: Progress) -> list[Claim]:
    """Judge one trial; without its data no claim of it can be."""
    try:
        dataset = DATASETS[trial.dataset](None)
    except DataUnavailableError as unavailable:
        return [_claim(trial, figure, None, str(unavailable)) for figure in trial.figures]
    jobs, _ = plan(trial.suite, dataset, Store(out / "store"), ())
    records = compute(jobs, n_jobs, limits, progress)
    return [_judged(trial, figure, records) for figure in trial.figures]


def _judged(trial: Trial, figure: Figure, records: Sequence[Record]) -> Claim:
    own = [record for record in records if record.imputer == figure.imputer]
    lost = [f"{record.imputer}: {record.message}" for record in own if record.status != "done"]
    if lost:
        return _claim(trial, figure, None, lost[0])
    wanted = trial.metric, trial.column
    scores = [value for record in own for metric, column, value in record.scores if (metric, column) == wanted]
    return _claim(trial, figure, float(np.mean(scores)), "")


def _claim(trial: Trial, figure: Figure, ours: float | None, lacking: str) -> Claim:
    mask = trial.mechanisms[0] if len(trial.mechanisms) == 1 else f"{len(trial.mechanisms)} folds"
    return Claim(
        trial.dataset,
        mask,
        figure.imputer,
        trial.metric,
        figure.published,
        figure.low,
        figure.high,
        figure.source,
        ours,
        lacking,
    )
