"""Studies: what stands in them holds together, and the path from the command to the page."""

import sys
from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from scipy import stats

from benchmarks.__main__ import main
from benchmarks.studies import STUDIES, TARGETS
from benchmarks.study import MODEL, NAME, Arm, Items, Study, lacks_model, short_name, with_learners
from datasets.errors import InputError
from datasets.surveys.gss_features import CRITERIA
from datasets.surveys.gss_targets import targets
from imputers import make_imputer
from reports.contrasts import YARDSTICKS, Contrast
from reports.results import read_record

TINY = Study(
    "study-tiny",
    "Do neighbours help?",
    (
        Arm("column means", "toy", "mean"),
        Arm("learner", "toy", "{learner}"),
        Arm(NAME, "toy", "llm(model={model})"),
    ),
    (
        Contrast("asking neighbours", "column means", "learner"),
        Contrast("asking {name}", "column means", NAME),
    ),
    (Contrast("asking neighbours", "column means", "learner", "covariance"),),
    "knn(k=5)",
    "It is small.",
)
NEEDY = replace(
    TINY,
    name="study-needy",
    arms=(TINY.arms[0], Arm("learner", "toy", "knn(k=5)"), Arm(NAME, "toy", "needs-weights(model={model})")),
)
PLUGIN = '''
"""A method whose weights are not here."""

from datasets.errors import MethodUnavailableError
from imputers import IMPUTERS
from imputers.base import Imputer


@IMPUTERS.register("needs-weights")
class NeedsWeights(Imputer):
    """Method without its weights."""

    def __init__(self, model=None):
        self.model = model

    def _fit(self, X, rng):
        raise MethodUnavailableError(f"{self.model} is not here; get it")
'''
PAIR = Study(
    "study-pair",
    "Words?",
    (
        Arm("words", "toy", "llm(model={model}, n_bins=4)"),
        Arm("codes", "toy", "llm(model={model}, n_bins=4, wording='codes')"),
    ),
    (Contrast("words", "codes", "words"),),
)


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Run the tiny study from the command line into a folder; give status and what was printed."""

    def run(*options):
        for study in (TINY, NEEDY, PAIR):
            monkeypatch.setitem(STUDIES, study.name, study)
        monkeypatch.setattr(sys, "argv", ["benchmarks", "run", "--out", str(tmp_path), *options])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return end.value.code or 0, out + err

    return run


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_holds_together(name):
    study = with_learners(STUDIES[name], ["some/model"], []) if STUDIES[name].uses(MODEL) else STUDIES[name]
    study = study if study.uses(MODEL) else with_learners(study, [], [])
    labels = [arm.label for arm in study.arms]
    assert study.name == name and study.question.endswith("?") and study.answers
    assert len(set(labels)) == len(labels)
    assert len({(arm.data, arm.imputer) for arm in study.arms}) == len(labels)
    for contrast in (*study.answers, *study.further):
        assert {contrast.before, contrast.after} <= set(labels) and contrast.yardstick in YARDSTICKS
    for arm in study.arms:
        make_imputer(arm.imputer)
        assert not isinstance(arm.data, Items) or arm.data.criterion in CRITERIA


def test_from_the_command_to_the_page(command, tmp_path):
    status, told = command("--suite", "study-tiny")
    assert (status, "10 of 10 cells done, 0 failed" in told) == (0, True)
    text = (tmp_path / "study-tiny" / "study-tiny.md").read_text()
    records = [read_record(path) for path in (tmp_path / "store" / "records").glob("*.json")]
    errors = {
        (r.imputer, r.mechanism): np.mean([value for metric, _, value in r.scores if metric == "nrmse"])
        for r in records
    }
    gains = [errors["mean", f"fold-{k}"] - errors["knn(k=5)", f"fold-{k}"] for k in range(1, 6)]
    half = stats.t.ppf(0.975, 4) * np.std(gains, ddof=1) * sqrt(1 / 5 + 1 / 4)
    gain = np.mean(gains)
    assert gain > 0.05
    told = f"Asking neighbours lowers the NRMSE by {gain:.3f} [{gain - half:.3f}, {gain + half:.3f}]"
    assert f"{told}." in text or f"{told}, which" in text
    assert "- (language model): give --model PATH_OR_ID" in text
    assert "It is small." in text and "python -m benchmarks run --suite study-tiny\n" in text
    assert "toy (synthetic): 400 rows, 8 items" in text
    page = (tmp_path / "study-tiny" / "study-tiny.html").read_bytes()
    stored = {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("*.json")}
    command("--suite", "study-tiny")
    assert (tmp_path / "study-tiny" / "study-tiny.html").read_bytes() == page
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("*.json")} == stored


def test_an_arm_whose_weights_are_absent_says_so_and_the_others_are_compared(command, tmp_path):
    plugin = tmp_path / "plugin.py"
    plugin.write_text(PLUGIN)
    status, told = command("--suite", "study-needy", "--model", str(tmp_path / "such-model"), "--load", str(plugin))
    assert status == 0 and "10 of 15 cells done, 0 failed, 5 unavailable" in " ".join(told.split())
    text = (tmp_path / "study-needy" / "study-needy.md").read_text()
    assert "- such-model: fold-1 unavailable: such-model is not here; get it" in text and str(tmp_path) not in text
    assert "Asking neighbours lowers the NRMSE" in text


def test_the_learner_can_be_another(command, tmp_path):
    status, _ = command("--suite", "study-tiny", "--imputers", "gaussian-em", "--rows", "150")
    text = (tmp_path / "study-tiny" / "study-tiny.md").read_text()
    assert status == 0 and "| gaussian-em" in text and "knn" not in text
    assert "--suite study-tiny --rows 150 --imputers gaussian-em" in text
    assert "toy, 150 rows (synthetic): 150 rows, 8 items" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--suite", "study-tiny", "--rates", "0.3", "--seeds", "2"), "leave out --rates, --seeds"),
        (("--suite", "study-tiny", "--fail-fast"), "leave out --fail-fast"),
        (("--suite", "study-tiny", "--imputers", "meen"), "did you mean mean"),
        (("--suite", "study-pair"), "nothing is left to compare; give --model PATH_OR_ID"),
        (("--suite", "study-pair", "--imputers", "mean"), "leave out --imputers"),
        (("--suite", "study-pair", "--model", "a", "--model", "b"), "one learner at a time; found a, b"),
        (("--suite", "study-joint", "--model", "a"), "leave out --model"),
        (("--suite", "study-pretraining"), "give --model PATH_OR_ID"),
        (("--suite", "study-featurs"), "did you mean study-features"),
        (("--suite", "toy", "--model", "a", "--rows", "9"), "'toy' is no study; leave out --rows"),
    ],
)
def test_what_does_not_fit_is_refused_before_any_work(command, tmp_path, options, message):
    status, told = command(*options)
    assert status == 2 and message in " ".join(told.split())
    assert not list(tmp_path.iterdir())


def test_several_models_each_get_their_arm_and_contrasts():
    study = with_learners(STUDIES["study-models"], ["meta-llama/Llama-2-13b-hf", "models/stories260K/"], [])
    arms = {arm.label: arm.imputer for arm in study.arms}
    assert arms["Llama-2-13b-hf"] == "llm(model='meta-llama/Llama-2-13b-hf', n_bins=24)"
    assert arms["stories260K"] == "llm(model='models/stories260K/', n_bins=24)"
    assert not any(lacks_model(arm) or NAME in arm.label for arm in study.arms)
    changes = [contrast.change for contrast in study.answers]
    assert "taking stories260K for llama-scratch" in changes and "taking Llama-2-13b-hf for llama-scratch" in changes
    with pytest.raises(InputError, match="two have the same name"):
        with_learners(STUDIES["study-models"], ["a/same", "b/same"], [])


def test_a_model_is_the_learner_of_a_study_that_has_one():
    study = with_learners(STUDIES["study-features"], ["it's/here"], [])
    assert {make_imputer(arm.imputer).model for arm in study.arms} == {"it's/here"}
    assert short_name("it's/here") == "here"
    with pytest.raises(InputError, match="one learner at a time"):
        with_learners(STUDIES["study-features"], [], ["gbm", "mean"])
    assert replace(study, arms=()).uses(NAME) is False


def test_the_learner_learns_the_targets_of_the_survey():
    assert list(TARGETS) == targets()
    assert all(
        make_imputer(arm.imputer).targets == TARGETS for arm in with_learners(STUDIES["study-features"], [], []).arms
    )


def test_states_of_a_model_are_the_mean_over_a_text(shared):
    """Against a pass of the whole model that returns all hidden states."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    from imputers.llm.scoring.wording_states import mean_states

    folder = shared / "models" / "stories260K"
    texts = ["the little dog", "a cat", "the little dog"]
    found = mean_states(str(folder))(texts)
    assert (found[0] == found[2]).all() and not np.allclose(found[0], found[1])
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    tokens = transformers.AutoTokenizer.from_pretrained(folder)(texts[1], return_tensors="pt")
    with torch.no_grad():
        states = model(**tokens, output_hidden_states=True).hidden_states[-1]
    np.testing.assert_allclose(found[1], states[0].mean(dim=0).numpy(), atol=1e-5)


@pytest.mark.slow
def test_a_pre_trained_model_goes_the_whole_way(command, tmp_path, shared):
    status, told = command("--suite", "study-pair", "--rows", "60", "--model", str(shared / "models" / "stories260K"))
    assert status == 0 and "10 of 10 cells done" in " ".join(told.split())
    text = (tmp_path / "study-pair" / "study-pair.md").read_text()
    assert "llm(model='stories260K', n_bins=4, wording='codes')" in text and "the NRMSE by" in text
