"""What pre-training and words bring to a language model: two studies of one model."""

from benchmarks.study import CHOSEN, LLM, Arm, items, model_arm, one_learner, study
from benchmarks.suite import Suite
from benchmarks.suites import SUITES
from reports.contrasts import Contrast

TEXT = "pre-trained, in words"
RANDOM, CODES = "random weights, in words", "pre-trained, opaque codes"
OWN = "masked-transformer"


@SUITES.register("study-pretraining")
def study_pretraining(model: tuple[str, ...] = (), rows: int | None = None) -> Suite:
    """Study: does pre-training help, and does it change the covariances."""
    one_learner("study-pretraining", model)
    table = items(10)
    return study(
        "study-pretraining",
        "Does pre-training help, and does it change the covariances?",
        (
            model_arm(TEXT, table, LLM, model),
            model_arm(RANDOM, table, "llm(model={model}, n_bins=24, weights='random')", model),
            model_arm(CODES, table, "llm(model={model}, n_bins=24, wording='codes')", model),
            model_arm(
                "pre-trained, labels permuted", table, "llm(model={model}, n_bins=24, wording='permuted')", model
            ),
            Arm(OWN, table, OWN),
        ),
        (
            Contrast("pre-training", RANDOM, TEXT),
            Contrast("pre-training", RANDOM, TEXT, "covariance"),
            Contrast("putting questions and answers in words and not in opaque codes", CODES, TEXT),
            Contrast("permuting the labels within each question", TEXT, "pre-trained, labels permuted"),
        ),
        (
            Contrast("opaque codes to words", CODES, TEXT, "covariance"),
            Contrast("permuting the labels", TEXT, "pre-trained, labels permuted", "covariance"),
            Contrast(f"{OWN} to the pre-trained model", OWN, TEXT),
            Contrast(f"{OWN} to random weights", OWN, RANDOM),
        ),
        model=model,
        rows=rows,
        note=f"{CHOSEN} Of random weights all are trained, of pre-trained ones an adapter alone.",
    )


@SUITES.register("study-text")
def study_text(model: tuple[str, ...] = (), rows: int | None = None) -> Suite:
    """Study: do words help, as labels of answers and as free text."""
    one_learner("study-text", model)
    numbers, words = "GSS: labels as numbers", "GSS: labels as words"
    modal, grams = "Restaurant: the most common city", "Restaurant: runs of characters"
    codes, strings = "Restaurant: opaque codes", "Restaurant: text"
    return study(
        "study-text",
        "Do words help, as labels of answers and as free text?",
        (
            model_arm(numbers, items(10), "llm(model={model}, n_bins=24, wording='numbers')", model),
            model_arm(words, items(10), LLM, model),
            Arm(f"GSS: {OWN}", items(10), OWN),
            Arm(modal, "restaurant", "mean"),
            Arm(grams, "restaurant", "ngram-logistic"),
            model_arm(codes, "restaurant", "llm(model={model}, n_bins=24, wording='codes')", model),
            model_arm(strings, "restaurant", LLM, model),
        ),
        (
            Contrast("putting labels in words and not in numbers", numbers, words),
            Contrast(
                "reading a restaurant's name, address and phone as text and not as opaque codes",
                codes,
                strings,
                "accuracy",
            ),
            Contrast(
                "reading them by runs of characters and not taking the most common city", modal, grams, "accuracy"
            ),
        ),
        (
            Contrast("runs of characters to a language model", grams, strings, "accuracy"),
            Contrast(f"{OWN} to labels in words", f"GSS: {OWN}", words),
        ),
        model=model,
        rows=rows,
        note=f"{CHOSEN} Restaurant's target is the city, one of 49 strings, told from four others.",
    )
