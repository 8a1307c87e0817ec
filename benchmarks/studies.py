"""The open questions of the founding experiment, each a study that anyone can run again."""

from itertools import pairwise

from benchmarks.study import LEARNER, LLM, NAME, Arm, Items, Study
from reports.contrasts import Contrast

TARGETS = ("income16", "educ", "letin1a", "finrela", "marhomo")
SCRATCH = "llama-scratch(n_models=1)"
FOCUSED = f"llama-scratch(targets={TARGETS}, n_models=1)"  # what it learns is the same, however many items it reads
SHORT = "Where it says n_models=1, llama-scratch is one network and not the mean of several, to be quick."
CHOSEN = (
    "Items are chosen by the answers of the 605 respondents of the survey's oversample, who are not in the tables; "
    "recodings of a target are never among them."
)
SIZES = (5, 10, 20, 40, 80)
TEXT = "pre-trained, in words"
STUDIES = {
    study.name: study
    for study in (
        Study(
            "study-models",
            "Which language model imputes best?",
            (
                Arm("column means", Items(20), "mean"),
                Arm("chained LightGBM", Items(20), "gbm"),
                Arm("llama-scratch", Items(20), SCRATCH),
                Arm(NAME, Items(20), LLM),
            ),
            (
                Contrast("taking llama-scratch for chained LightGBM", "chained LightGBM", "llama-scratch"),
                Contrast("taking {name} for llama-scratch", "llama-scratch", NAME),
            ),
            (
                Contrast("taking {name} for chained LightGBM", "chained LightGBM", NAME),
                Contrast("taking llama-scratch for column means", "column means", "llama-scratch"),
                Contrast(
                    "taking llama-scratch for chained LightGBM", "chained LightGBM", "llama-scratch", "covariance"
                ),
                Contrast("taking {name} for llama-scratch", "llama-scratch", NAME, "covariance"),
            ),
            note=f"{SHORT} {CHOSEN}",
        ),
        Study(
            "study-features",
            "Do more features help?",
            tuple(Arm(f"{n} items", Items(n), LEARNER) for n in SIZES),
            (
                Contrast("going from 5 to 80 items", "5 items", "80 items"),
                Contrast("going from 40 to 80", "40 items", "80 items"),
            ),
            (
                *(Contrast(f"going from {a} to {b} items", f"{a} items", f"{b} items") for a, b in pairwise(SIZES[:4])),
                Contrast("going from 5 to 80 items", "5 items", "80 items", "covariance"),
            ),
            FOCUSED,
            f"{SHORT} {CHOSEN} They are added in the order of their mutual information with any of the targets.",
        ),
        Study(
            "study-selection",
            "How should the features be chosen?",
            tuple(
                Arm(f"by {criterion}", Items(20, criterion), LEARNER)
                for criterion in ("chance", "mutual information", "correlation", "lasso", "similar wording")
            ),
            (
                Contrast(
                    "choosing 20 items by mutual information and not by chance", "by chance", "by mutual information"
                ),
                Contrast("choosing them by correlation", "by chance", "by correlation"),
                Contrast("choosing them by lasso", "by chance", "by lasso"),
                Contrast("choosing them by similar wording", "by chance", "by similar wording"),
                Contrast("going from mutual information to the lasso", "by mutual information", "by lasso"),
            ),
            (
                Contrast("going from mutual information to correlation", "by mutual information", "by correlation"),
                Contrast("going from the lasso to similar wording", "by lasso", "by similar wording"),
            ),
            FOCUSED,
            f"{SHORT} {CHOSEN} Chance is one draw of items, and no interval covers another draw. Wording is compared "
            "by runs of characters, or by the mean hidden states of the model that is given.",
        ),
        Study(
            "study-pretraining",
            "Does pre-training help, and does it change the covariances?",
            (
                Arm(TEXT, Items(10), LLM),
                Arm("random weights, in words", Items(10), "llm(model={model}, n_bins=24, weights='random')"),
                Arm("pre-trained, opaque codes", Items(10), "llm(model={model}, n_bins=24, wording='codes')"),
                Arm("pre-trained, labels permuted", Items(10), "llm(model={model}, n_bins=24, wording='permuted')"),
                Arm("llama-scratch", Items(10), SCRATCH),
            ),
            (
                Contrast("pre-training", "random weights, in words", TEXT),
                Contrast("pre-training", "random weights, in words", TEXT, "covariance"),
                Contrast(
                    "putting questions and answers in words and not in opaque codes", "pre-trained, opaque codes", TEXT
                ),
                Contrast("permuting the labels within each question", TEXT, "pre-trained, labels permuted"),
            ),
            (
                Contrast("opaque codes to words", "pre-trained, opaque codes", TEXT, "covariance"),
                Contrast("permuting the labels", TEXT, "pre-trained, labels permuted", "covariance"),
                Contrast("llama-scratch to the pre-trained model", "llama-scratch", TEXT),
                Contrast("llama-scratch to random weights", "llama-scratch", "random weights, in words"),
            ),
            note=f"{SHORT} {CHOSEN} Of random weights all are trained, of pre-trained ones an adapter alone.",
        ),
        Study(
            "study-text",
            "Do words help, as labels of answers and as free text?",
            (
                Arm("GSS: labels as numbers", Items(10), "llm(model={model}, n_bins=24, wording='numbers')"),
                Arm("GSS: labels as words", Items(10), LLM),
                Arm("GSS: llama-scratch", Items(10), SCRATCH),
                Arm("Restaurant: the most common city", "restaurant", "mean"),
                Arm("Restaurant: runs of characters", "restaurant", "ngram-logistic"),
                Arm("Restaurant: opaque codes", "restaurant", "llm(model={model}, n_bins=24, wording='codes')"),
                Arm("Restaurant: text", "restaurant", LLM),
            ),
            (
                Contrast(
                    "putting labels in words and not in numbers", "GSS: labels as numbers", "GSS: labels as words"
                ),
                Contrast(
                    "reading a restaurant's name, address and phone as text and not as opaque codes",
                    "Restaurant: opaque codes",
                    "Restaurant: text",
                    "accuracy",
                ),
                Contrast(
                    "reading them by runs of characters and not taking the most common city",
                    "Restaurant: the most common city",
                    "Restaurant: runs of characters",
                    "accuracy",
                ),
            ),
            (
                Contrast(
                    "runs of characters to a language model",
                    "Restaurant: runs of characters",
                    "Restaurant: text",
                    "accuracy",
                ),
                Contrast("llama-scratch to labels in words", "GSS: llama-scratch", "GSS: labels as words"),
            ),
            note=f"{SHORT} {CHOSEN} Restaurant's target is the city, one of 49 strings, told from four others.",
        ),
        Study(
            "study-joint",
            "One model for all items, or one for each target?",
            (
                Arm("one model in one run", Items(20), SCRATCH),
                Arm("a model per target", Items(20), "llama-per-target(n_models=1)"),
            ),
            (
                Contrast(
                    "training one model a target and not one for all items",
                    "one model in one run",
                    "a model per target",
                ),
                Contrast(
                    "training one model a target and not one for all items",
                    "one model in one run",
                    "a model per target",
                    "covariance",
                ),
            ),
            note=f"{SHORT} {CHOSEN}",
        ),
    )
}
