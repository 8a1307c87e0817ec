"""The statistics of a study against closed forms, its sentences, and its page."""

from dataclasses import replace
from math import inf, sqrt

import pytest
from scipy import stats

from reports.contrasts import YARDSTICKS, ArmResult, Contrast, Estimate, corrected_interval, judged, sentence
from reports.html import to_html
from reports.markdown import to_markdown
from reports.results import Record
from reports.study import answer_page


def record(fold, nrmse, accuracy=None, covariance=0.9):
    scores = [("nrmse", column, value) for column, value in nrmse.items()]
    scores += [("accuracy", "a", accuracy)] if accuracy is not None else []
    scores += [("target-covariance", "a~a", covariance), ("target-covariance-true", "a~a", 1.0)]
    scores += [("fit-seconds", "(table)", 2.0), ("draw-seconds", "(table)", 0.5), ("peak-memory-mb", "(table)", 99.0)]
    return Record("d", f"fold({fold})", 0.2, 1, "i", scores=tuple(scores))


def arm(label, errors, accuracies=None):
    pairs = zip(errors, accuracies or [None] * len(errors), strict=True)
    records = tuple(record(k, {"a": e - 0.1, "b": e + 0.1}, own) for k, (e, own) in enumerate(pairs, start=1))
    return ArmResult(label, "d", f"imputer of {label}", records)


def test_interval_in_closed_form():
    """Mean .2, s .1; t of 2 degrees at .975 is 4.302653; 1/3 and test/train = .2/.8."""
    found = corrected_interval([0.1, 0.2, 0.3], 0.2)
    half = 4.30265272974946 * 0.1 * sqrt(1 / 3 + 0.25)
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.2 - half, 0.2 + half), abs=1e-9)


def test_without_a_test_share_it_is_the_plain_t_interval():
    values = [0.31, -0.12, 0.07, 0.22, 0.05]
    plain = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = corrected_interval(values, 0.0)
    assert (found.low, found.high) == pytest.approx((plain.low, plain.high), abs=1e-12)
    wider = corrected_interval(values, 0.2)
    assert (wider.high - wider.low) / (found.high - found.low) == pytest.approx(sqrt(0.45 / 0.2))


def test_one_fold_tells_nothing():
    assert corrected_interval([0.4], 0.2) == Estimate(0.4, -inf, inf)


def test_differences_are_paired_by_fold():
    """Folds differ widely, the arms by exactly .01 in each: unpaired, that would drown."""
    folds = (0.2, 0.9, 0.5, 0.7, 0.4)
    arms = {"x": arm("x", folds), "y": arm("y", [e - 0.01 for e in folds]), "z": ArmResult("z", "d", "i", (), "lost")}
    found = judged(Contrast("less", "x", "y"), arms, 0.2)
    assert found.value == pytest.approx(-0.01)
    assert found.high - found.low < 1e-12
    assert judged(Contrast("less", "x", "z"), arms, 0.2) is None
    assert judged(Contrast("less", "x", "y", "accuracy"), arms, 0.2) is None


def test_arms_are_compared_in_the_folds_that_both_have():
    whole, part = arm("x", (0.2, 0.9, 0.5)), arm("y", (0.19, 0.88, 0.47))
    some, one = replace(part, records=part.records[:0:-1]), replace(part, label="z", records=part.records[1:2])
    arms = {"x": whole, "y": some, "z": one}
    by_hand = corrected_interval([-0.02, -0.03], 0.2)
    found = judged(Contrast("less", "x", "y"), arms, 0.2)
    assert (found.value, found.low, found.high) == pytest.approx((by_hand.value, by_hand.low, by_hand.high))
    page = to_markdown(answer_page("study-x", "Why?", list(arms.values()), [Contrast("less", "x", "z")], [], 0.2, []))
    assert "Less lowers the NRMSE by 0.020 [one fold], which cannot be told from chance by one fold." in page
    assert "inf" not in page


def test_a_change_beyond_what_it_does_elsewhere():
    """Here it lowers the error by .05, there by .02: .03 more, and by hand in each fold."""
    arms = {
        "a": arm("a", (0.8, 0.9, 0.7)),
        "b": arm("b", (0.75, 0.86, 0.64)),
        "c": arm("c", (0.5, 0.6, 0.7)),
        "d": arm("d", (0.48, 0.57, 0.69)),
    }
    known = {"change": "it", "before": "a", "after": "b", "yardstick": "nrmse", "beyond": ["c", "d"]}
    found, by_hand = judged(Contrast.of(known), arms, 0.2), corrected_interval([-0.03, -0.01, -0.05], 0.2)
    assert (found.value, found.low, found.high) == pytest.approx((by_hand.value, by_hand.low, by_hand.high))
    page = to_markdown(answer_page("study-x", "Why?", list(arms.values()), [Contrast.of(known)], [], 0.2, []))
    assert "| a less c " in page and "| b less d " in page and "It lowers the NRMSE by 0.030 [" in page


def test_error_of_the_covariances_by_hand():
    """Off the diagonal counts twice: (.2² + 2 · .1²) / (1 + 2 · .5² + 1)."""
    found = {"a~a": 0.8, "a~b": 0.4, "b~b": 1.0}
    true = {"a~a": 1.0, "a~b": 0.5, "b~b": 1.0}
    scores = [("target-covariance", pair, value) for pair, value in found.items()]
    scores += [("target-covariance-true", pair, value) for pair, value in true.items()]
    own = Record("d", "fold(1)", 0.2, 1, "i", scores=tuple(scores))
    assert list(YARDSTICKS["covariance"].scores(own).values()) == pytest.approx([sqrt(0.06 / 2.5)])


@pytest.mark.parametrize(
    ("estimate", "words"),
    [
        (Estimate(-0.043, -0.055, -0.031), "Going up lowers the NRMSE by 0.043 [0.031, 0.055]."),
        (Estimate(0.043, 0.031, 0.055), "Going up raises the NRMSE by 0.043 [0.031, 0.055]."),
        (
            Estimate(-0.002, -0.008, 0.004),
            "Going up lowers the NRMSE by 0.002 [-0.004, 0.008], which cannot be told from chance.",
        ),
        (Estimate(0.0, 0.0, 0.0), "Going up leaves the NRMSE as it is."),
    ],
)
def test_a_difference_in_words(estimate, words):
    assert sentence([(Contrast("going up", "x", "y"), estimate)]) == words


def test_a_sentence_says_once_what_clauses_share():
    falls, rises = Estimate(-0.04, -0.05, -0.03), Estimate(0.002, -0.001, 0.005)
    up, on, covariance = (
        Contrast(c, "x", "y", by) for c, by in (("up", "nrmse"), ("on", "nrmse"), ("up", "covariance"))
    )
    told = sentence([(up, falls), (on, falls), (on, rises), (covariance, rises)])
    assert told == (
        "Up lowers the NRMSE by 0.040 [0.030, 0.050]; on by 0.040 [0.030, 0.050]; "
        "on raises the NRMSE by 0.002 [-0.001, 0.005], which cannot be told from chance; "
        "up raises the error of the targets' covariances by 0.0020 [-0.0010, 0.0050], which cannot be told from chance."
    )
    assert "no answer here" in sentence([])


def test_page_answers_and_says_what_is_lacking():
    before = arm("few", (0.80, 0.82, 0.78, 0.81, 0.79), (0.5, 0.52, 0.48, 0.5, 0.51))
    after = arm("many", (0.75, 0.78, 0.73, 0.765, 0.74), (0.4, 0.43, 0.38, 0.39, 0.42))
    absent = ArmResult("other", "–", "llm", (), "give --model\nPATH_OR_ID")
    answers = (Contrast("more items", "few", "many"), Contrast("a language model", "few", "other"))
    further = (Contrast("more items", "few", "many", "accuracy"), Contrast("more items", "few", "many", "covariance"))
    page = answer_page("study-x", "Do more help?", (before, after, absent), answers, further, 0.2, ["Versions: none."])
    text = to_markdown(page)
    assert "More items lowers the NRMSE by 0.047 [0.0" in text
    assert "- other: give --model PATH_OR_ID" in text
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]
    verdicts = [row[-1] for row in rows if row[1] == "few"]
    assert verdicts == ["**better**", "not run", "**worse**", "cannot be told from chance"]
    (head,) = (row for row in rows if row[0] == "arm")
    assert head[1:4] == ["NRMSE [95 %]", "nrmse: a", "nrmse: b"] and head[-3:] == ["seconds", "data", "imputer"]
    (few,) = (row for row in rows if row[0] == "few")
    assert few[1].startswith("0.800 [") and few[2:4] == ["0.700", "0.900"] and few[-3] == "2.5"
    (other,) = (row for row in rows if row[0] == "other")
    assert set(other[1:-1]) == {"–"}
    assert "Do more help?" in to_html(page, {})


def test_a_name_from_outside_cannot_break_the_page():
    own = replace(arm("few", (0.8, 0.7)), imputer="llm(model='a|b<c>')")
    text = to_markdown(answer_page("s", "q?", (own,), (), (), 0.2, []))
    assert "llm(model='a\\|b\\<c>')" in text
