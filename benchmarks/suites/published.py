"""Validation masks of the literature run again: ours beside the published figures."""

from dataclasses import asdict
from functools import partial

from benchmarks.suite import FOLDS, Block, Suite
from benchmarks.suites import SUITES
from reports.claims import Claim

NOTEBOOK = "MIWAE authors' notebook"
NOT_MIWAE = "Ipsen et al. 2021, table 1"
SELF_MASKING = f"{NOT_MIWAE}; is told that missingness is a logistic curve in the missing value"
NGRAMS = "n-grams and logistic regression; six hold-outs"
MEI = "in Mei et al. 2021, their split"
RERUN = "public protocol, run again with scikit-learn"
PEER = "independent implementation on this mask"
CHAINED = "regression(max_iter=10)"
MPNET = "model='all-mpnet-base-v2'"  # of RoBERTa's size
DEMO = partial(Claim, "wdbc", ("miwae-demo",), 0.5, metric="pooled-mse")
CITY = partial(Claim, "restaurant", FOLDS, 0.1, metric="accuracy", column="city")


@SUITES.register("published")
def published() -> Suite:
    """Figures that were published elsewhere, and ours on the same cells."""
    return claims_suite(
        "published",
        (
            DEMO("mean", "1.0275", RERUN, low=1.027, high=1.028),
            DEMO("knn(n_neighbors=5, metric='euclidean', weights='uniform')", ".5694", f"{RERUN}, KNNImputer",
                 low=0.5644, high=0.5744),
            DEMO("knn(n_neighbors=10, metric='euclidean')", ".5542", f"{RERUN}, KNNImputer", low=0.5492, high=0.5592),
            DEMO("knne", ".6664", f"{PEER}, uniform subsets; relevance must do better", high=0.6664),
            DEMO("fuzzy-k-means(n_clusters=10, fuzzifier=1.5)", ".5397", PEER, low=0.5197, high=0.5597),
            DEMO("gaussian-em", ".2363", f"{PEER}, without our ridge", high=0.2463),
            DEMO("gmm(n_components=1)", ".2363", f"{PEER}, without our ridge", high=0.2463),
            DEMO("gmm(n_components=2)", ".2446", f"{PEER}, without our ridge", high=0.2546),
            DEMO(CHAINED, ".333", f"{RERUN}, IterativeImputer", high=0.343),
            DEMO("miwae", ".2867", f"{NOTEBOOK}, 1,001 epochs", high=0.30),
            DEMO("miwae-hyperimpute", ".2867", f"{NOTEBOOK}, 1,001 epochs; here 600 steps", high=0.30),
            *_above_mean(
                "wdbc",
                ("mean", "1.82", f"{NOT_MIWAE}; 1.820 {RERUN}", 1.8195, 1.8205),
                (CHAINED, "1.17", f"{NOT_MIWAE}, MICE; .946 {RERUN}", None, 1.17),
                ("missforest", "1.57", f"{NOT_MIWAE}; 1.483 {RERUN}", None, 1.57),
                ("miwae", "1.20", NOT_MIWAE, None, 1.25),
                ("not-miwae", "0.74", SELF_MASKING, None, 0.79),
            ),
            *_above_mean(
                "wine-red",
                ("mean", "1.83", f"{NOT_MIWAE}; 1.838 {RERUN}", 1.8375, 1.8385),
                (CHAINED, "1.68", f"{NOT_MIWAE}, MICE; 1.681 {RERUN}", 1.676, 1.686),
                ("missforest", "1.64", NOT_MIWAE, None, 1.64),
                ("miwae", "1.62", NOT_MIWAE, None, 1.67),
                ("not-miwae", "1.08", SELF_MASKING, None, 1.13),
            ),
            *_above_mean(
                "wine-white",
                ("mean", "1.74", f"{NOT_MIWAE}; 1.739 {RERUN}", 1.7385, 1.7395),
                (CHAINED, "1.41", f"{NOT_MIWAE}, MICE; 1.412 {RERUN}", 1.407, 1.417),
                ("missforest", "1.63", NOT_MIWAE, None, 1.63),
                ("miwae", "1.55", NOT_MIWAE, None, 1.60),
                ("not-miwae", "1.04", SELF_MASKING, None, 1.09),
            ),
            CITY("mean", ".271 ± .032", "mode; six hold-outs", low=0.239, high=0.303),
            CITY("knn-1", ".663", "string 1-NN; six hold-outs", low=0.613),
            CITY("knn(n_neighbors=5)", ".725", "string 5-NN; six hold-outs", low=0.675),
            CITY("dlm", ".634 ± .039", "independent implementation, six hold-outs; Song & Sun 2020", low=0.594),
            CITY("holoclean", ".331", f"{MEI}; the order of magnitude is asked for", low=0.23, high=0.50),
            CITY("ngram-logistic", ".851 ± .028", NGRAMS, low=0.84),
            CITY("datawig", ".851 ± .028", NGRAMS, low=0.84),
            CITY("ipm-multi(max_epochs=8)", ".772", f"{MEI}, RoBERTa", low=0.772),
            CITY("ipm-binary(max_epochs=8)", ".772", f"{MEI}, RoBERTa", low=0.772),
            CITY(f"ipm-multi({MPNET}, max_epochs=8)", ".772", f"{MEI}, RoBERTa", low=0.772),
            CITY(f"ipm-binary({MPNET}, max_epochs=8)", ".772", f"{MEI}, RoBERTa", low=0.772),
        ),
    )  # fmt: skip


def claims_suite(name: str, claims: tuple[Claim, ...]) -> Suite:
    """The suite of the cells that some claims are about; a block for each table and its masks."""
    imputers: dict[tuple[str, tuple[str, ...], float], list[str]] = {}
    for claim in claims:
        imputers.setdefault((claim.dataset, tuple(claim.mechanisms), claim.rate), []).append(claim.imputer)
    blocks = tuple(Block(table, tuple(names), masks, (rate,), (1,)) for (table, masks, rate), names in imputers.items())
    return Suite(name, blocks, "claims", {"claims": [asdict(claim) for claim in claims]})


def _above_mean(dataset: str, *figures: tuple[str, str, str, float | None, float]) -> list[Claim]:
    return [Claim(dataset, ("above-mean",), 0.5, *figure[:3], "pooled-rmse", *figure[3:]) for figure in figures]
