"""Studies: what stands in them holds together, and the path from the command to the page."""

import sys
from math import sqrt

import numpy as np
import pytest
from scipy import stats

from benchmarks.__main__ import main
from benchmarks.study import Arm, learner, short_name, study
from benchmarks.suites import SUITES, suite_named
from benchmarks.suites.study_features import TARGETS
from datasets import DATASETS
from datasets.errors import InputError
from datasets.request import parse_request
from datasets.surveys.gss_features import CRITERIA
from datasets.surveys.gss_targets import targets
from imputers import make_imputer
from reports.contrasts import YARDSTICKS, Contrast
from reports.results import read_record
from reports.write import rebuild

STUDIES = [name for name in SUITES if name.startswith("study-")]


def tiny(model=(), imputers=(), rows=None):
    imputer = imputers[0] if imputers else "knn(n_neighbors=5)"
    return study(
        "study-tiny",
        "Do neighbours help?",
        (Arm("column means", "toy", "mean"), Arm("learner", "toy", imputer)),
        (Contrast("asking neighbours", "column means", "learner"),),
        (Contrast("asking neighbours", "column means", "learner", "covariance"),),
        model=model,
        rows=rows,
        note="It is small.",
    )


def needy(model=()):
    arms = [Arm("means", "toy", "mean"), Arm("neighbours", "toy", "knn(n_neighbors=5)")]
    arms += [Arm(short_name(each), "toy", f"needs-weights(model={each!r})") for each in model]
    answers = [Contrast("asking neighbours", "means", "neighbours")]
    answers += [Contrast(f"asking {short_name(each)}", "means", short_name(each)) for each in model]
    return study("study-needy", "Do neighbours help?", arms, answers, model=model)


def pair(model=(), rows=None):
    arms = [
        Arm("words", "toy", f"llm(model={model[0]!r}, n_bins=4)"),
        Arm("codes", "toy", f"llm(model={model[0]!r}, n_bins=4, wording='codes')"),
    ]
    return study("study-pair", "Words?", arms, (Contrast("words", "codes", "words"),), model=model, rows=rows)


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


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Run the tiny study from the command line into a folder; give status and what was printed."""

    def run(*options):
        for name, entry in {"study-tiny": tiny, "study-needy": needy, "study-pair": pair}.items():
            monkeypatch.setitem(SUITES._entries, name, entry)
        monkeypatch.setattr(sys, "argv", ["benchmarks", "run", "--out", str(tmp_path), *options])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return end.value.code or 0, out + err

    return run


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_holds_together(name):
    takes_models = name not in ("study-joint", "study-respondents")
    suite = suite_named(name, {"model": ("some/model",)} if takes_models else {})
    about, labels = suite.about, [arm["label"] for arm in suite.about["arms"]]
    assert suite.name == name and suite.page == "study" and about["question"].endswith("?") and about["answers"]
    assert not suite.lacking and len(set(labels)) == len(labels) == len(suite.blocks)
    assert len({(arm["dataset"], arm["rows"], arm["imputer"]) for arm in about["arms"]}) == len(labels)
    for contrast in (*about["answers"], *about["further"]):
        assert {contrast["before"], contrast["after"], *contrast["beyond"]} <= set(labels)
        assert contrast["yardstick"] in YARDSTICKS
    for arm in about["arms"]:
        make_imputer(arm["imputer"])
        DATASETS.resolve(arm["dataset"])
        assert parse_request(arm["dataset"]).named.get("criterion", "chance") in CRITERIA


def test_from_the_command_to_the_page(command, tmp_path):
    status, told = command("--suite", "study-tiny")
    assert (status, "10 of 10 cells done, 0 failed" in told) == (0, True)
    text = (tmp_path / "study-tiny" / "study-tiny.md").read_text()
    records = [read_record(path) for path in (tmp_path / "store" / "records").glob("*.json")]
    errors = {
        (r.imputer, r.mechanism): np.mean([value for metric, _, value in r.scores if metric == "nrmse"])
        for r in records
    }
    gains = [errors["mean", f"fold({k})"] - errors["knn(n_neighbors=5)", f"fold({k})"] for k in range(1, 6)]
    half = stats.t.ppf(0.975, 4) * np.std(gains, ddof=1) * sqrt(1 / 5 + 1 / 4)
    gain = np.mean(gains)
    assert gain > 0.05
    told = f"Asking neighbours lowers the NRMSE by {gain:.3f} [{gain - half:.3f}, {gain + half:.3f}]"
    assert f"{told}." in text or f"{told}, which" in text
    assert "It is small." in text and "python -m benchmarks run --suite study-tiny\n" in text
    assert "toy (synthetic): 400 rows, 8 items" in text
    page = (tmp_path / "study-tiny" / "study-tiny.html").read_bytes()
    stored = {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("*.json")}
    command("--suite", "study-tiny")
    assert (tmp_path / "study-tiny" / "study-tiny.html").read_bytes() == page
    rebuild([tmp_path / "study-tiny" / "results.parquet"], tmp_path / "study-tiny")
    assert (tmp_path / "study-tiny" / "study-tiny.html").read_bytes() == page
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("*.json")} == stored


def test_an_arm_whose_weights_are_absent_says_so_and_the_others_are_compared(command, tmp_path):
    plugin = tmp_path / "plugin.py"
    plugin.write_text(PLUGIN)
    status, told = command("--suite", "study-needy", "--model", str(tmp_path / "such-model"), "--load", str(plugin))
    assert status == 0 and "10 of 15 cells done, 0 failed, 5 unavailable" in " ".join(told.split())
    text = (tmp_path / "study-needy" / "study-needy.md").read_text()
    assert "- such-model: fold(1) unavailable: such-model is not here; get it" in text and str(tmp_path) not in text
    assert "Asking neighbours lowers the NRMSE" in text


def test_the_learner_can_be_another(command, tmp_path):
    status, _ = command("--suite", "study-tiny", "--imputers", "gaussian-em", "--rows", "150")
    text = (tmp_path / "study-tiny" / "study-tiny.md").read_text()
    assert status == 0 and "| gaussian-em" in text and "knn" not in text
    assert "--suite study-tiny --imputers gaussian-em --rows 150" in text
    assert "toy, 150 rows (synthetic): 150 rows, 8 items" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--suite", "study-tiny", "--rates", "0.3", "--seeds", "2"), "leave out --rates, --seeds"),
        (("--suite", "study-tiny", "--imputers", "meen"), "did you mean mean"),
        (("--suite", "study-tiny", "--draws", "3"), "leave out --draws"),
        (("--suite", "study-needy", "--imputers", "mean"), "leave out --imputers"),
        (("--suite", "study-features", "--model", "a", "--model", "b"), "one learner at a time; found a, b"),
        (("--suite", "study-joint", "--model", "a"), "leave out --model"),
        (("--suite", "study-featurs"), "did you mean study-features"),
    ],
)
def test_what_does_not_fit_is_refused_before_any_work(command, tmp_path, options, message):
    status, told = command(*options)
    assert status == 2 and message in " ".join(told.split())
    assert not list(tmp_path.iterdir())


def test_several_models_each_get_their_arms_and_contrasts():
    about = suite_named("study-models", {"model": ("meta-llama/Llama-2-13b-hf", "models/stories260K/")}).about
    arms = {arm["label"]: arm["imputer"] for arm in about["arms"]}
    assert arms["Llama-2-13b-hf"] == "llm(model='meta-llama/Llama-2-13b-hf', n_bins=24)"
    assert arms["stories260K, random weights"] == "llm(model='models/stories260K/', n_bins=24, weights='random')"
    changes = [contrast["change"] for contrast in about["answers"]]
    assert {f"pre-training {name}" for name in ("stories260K", "Llama-2-13b-hf")} <= set(changes)
    with pytest.raises(InputError, match="two have the same name"):
        suite_named("study-models", {"model": ("a/same", "b/same")})


@pytest.mark.parametrize("name", ["study-models", "study-pretraining", "study-text"])
def test_language_models_are_judged_by_value_distribution_and_covariance(name):
    """Without a model named it is the one that everybody can install, whose cells studies share."""
    about = suite_named(name).about
    arms = {arm["label"]: make_imputer(arm["imputer"]) for arm in about["arms"]}
    assert {arm.model for arm in arms.values() if hasattr(arm, "model")} == {"smollm2-135m"}
    judged = {}
    for contrast in (*about["answers"], *about["further"]):
        judged.setdefault((contrast["before"], contrast["after"]), set()).add(contrast["yardstick"])
    assert {"nrmse", "distribution", "covariance"} in judged.values()


def test_a_language_model_is_pre_trained_against_random_weights_on_the_survey_and_on_its_twin():
    about = suite_named("study-pretraining").about
    arms = {arm["label"]: (arm["dataset"], make_imputer(arm["imputer"]).get_params()) for arm in about["arms"][1:]}
    (gain,) = (contrast for contrast in about["answers"] if contrast["beyond"])
    tables = [arms[label][0] for label in (gain["before"], gain["after"], *gain["beyond"])]
    assert tables == ["gss2022-core(n=10)"] * 2 + ["gss2022-core(n=10, respondents='twin')"] * 2
    weights = [arms[label][1]["weights"] for label in (gain["before"], gain["after"], *gain["beyond"])]
    assert weights == ["random", "pretrained"] * 2
    assert {parameters["wording"] for _, parameters in arms.values()} == {"text", "numbers", "codes", "permuted"}


@pytest.mark.parametrize(
    ("rows", "sizes"), [(None, [250, 500, 1000, 2000, None]), (500, [250, 500]), (300, [250, 300])]
)
def test_the_learning_curve_ends_with_everybody_or_as_many_as_are_asked_for(rows, sizes):
    suite = suite_named("study-respondents", {"rows": rows})
    assert list(dict.fromkeys(block.rows for block in suite.blocks)) == sizes
    boards = {block.imputers[0] for block in suite.blocks}
    assert boards <= set(suite_named("gss-llm").blocks[0].imputers)  # whose cells it shares
    assert {block.dataset for block in suite.blocks} == {suite_named("gss-llm").blocks[0].dataset}
    assert {block.n_draws for block in suite.blocks} == {suite_named("gss-llm").blocks[0].n_draws}


def test_draws_of_a_board_are_set_and_told():
    suite = suite_named("gss-llm", {"n_draws": 2, "rows": 300})
    assert [(block.n_draws, block.rows) for block in suite.blocks] == [(2, 300)]


def test_a_model_is_the_learner_of_a_study_that_has_one():
    about = suite_named("study-features", {"model": ("it's/here",)}).about
    assert {make_imputer(arm["imputer"]).model for arm in about["arms"]} == {"it's/here"}
    assert short_name("it's/here") == "here"
    for given in ({"imputers": ("gbm", "mean")}, {"imputers": ("gbm",), "model": ("a",)}):
        with pytest.raises(InputError, match="one learner at a time"):
            suite_named("study-features", given)
    assert learner("study-features", (), (), "usual") == "usual"
    assert "gss2022-worded(n=20, model='a/b')" in {
        b.dataset for b in suite_named("study-selection(model=('a/b',))").blocks
    }


def test_the_learner_learns_the_targets_of_the_survey():
    assert list(TARGETS) == targets()
    arms = suite_named("study-features").about["arms"]
    assert all(make_imputer(arm["imputer"]).targets == TARGETS for arm in arms)


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
