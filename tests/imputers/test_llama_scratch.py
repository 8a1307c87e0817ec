import numpy as np
import pytest

from benchmarks.cells import make_mask
from benchmarks.worker import score
from datasets.errors import InputError
from datasets.prediction import check_prediction, complete
from datasets.schema import Kind
from imputers import IMPUTERS

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

SMALL = {"hidden": 32, "layers": 1, "heads": 2, "n_models": 1}


@pytest.fixture(scope="module")
def fitted(twins):
    schema, X = twins
    return IMPUTERS["llama-scratch"](**SMALL).fit(X, schema=schema, random_state=3)


@pytest.fixture(scope="module")
def shown(twins, fitted):
    return torch.from_numpy(fitted.vocabulary_.encode(twins[1]))


def logits(imputer, shown, asked):
    """Scores at asked slots of a prompt with a word per slot."""
    from imputers.llm.scratch.layout import answer_logits

    questions = torch.where(asked, shown, 0)
    with torch.no_grad():
        return answer_logits(imputer.models_[0], shown, questions, (shown >= 4)[:, None], asked, imputer._allowed)


def test_questions_do_not_see_each_other(fitted, shown):
    """A hole asked alone gets the answer that it gets among all holes, and its row's other holes are never seen."""
    asked = shown < 4
    together = torch.zeros(*shown.shape, len(fitted.vocabulary_))
    together[asked] = logits(fitted, shown, asked)
    for j in range(4):
        alone = asked & (torch.arange(4) == j)
        rows = alone.any(dim=1)
        torch.testing.assert_close(logits(fitted, shown[rows], alone[rows]), together[alone])
        # without the other questions in the prompt at all
        first = rows.nonzero()[0]
        kept = (shown[first] >= 4) | alone[first]
        bare = logits(fitted, shown[first][kept][None], alone[first][kept][None])
        torch.testing.assert_close(bare[0], together[first, j][0])


def test_known_answers_count_and_their_order_does_not(fitted, shown):
    rows = slice(300, 600)
    asked = torch.zeros(300, 4, dtype=torch.bool)
    asked[:, 1] = True
    prompt = torch.where(asked, torch.arange(4), shown[rows])
    found = logits(fitted, prompt, asked).log_softmax(dim=1)
    order = torch.tensor([3, 1, 0, 2])
    torch.testing.assert_close(logits(fitted, prompt[:, order], asked[:, order]).log_softmax(dim=1), found)
    other = prompt.clone()
    first, last = fitted.vocabulary_.bounds[:2]
    other[:, 0] = first + last - 1 - prompt[:, 0]  # yes becomes no
    own = slice(int(last), int(fitted.vocabulary_.bounds[2]))
    changed = logits(fitted, other, asked).log_softmax(dim=1)
    assert ((changed - found)[:, own].abs() > 0.5).all()


@pytest.mark.parametrize("layers", [1, 2])
def test_scores_are_those_of_the_network_on_prompt_and_questions(fitted, shown, layers):
    """Llama's own pass over the same words, with the attention mask in full and all positions 0."""
    from imputers.llm.scratch.layout import answer_logits
    from imputers.llm.scratch.network import build, fold

    model = build(fitted.vocabulary_, 32, layers, 2, torch.Generator().manual_seed(1)).eval()
    fold(model)
    prompt, questions = shown[150:350], torch.arange(4).expand(200, 4)
    seen = (torch.rand(200, 4, 4) < 0.7) & (prompt >= 4)[:, None]
    asked = torch.rand(200, 4) < 0.5
    mask = torch.eye(8, dtype=torch.bool).repeat(200, 1, 1)
    mask[:, 4:, :4] = seen
    words = torch.cat([prompt, questions], dim=1)
    with torch.no_grad():
        own = model(
            input_ids=words,
            attention_mask=torch.where(mask, 0.0, torch.finfo(torch.float32).min)[:, None],
            position_ids=torch.zeros_like(words),
            use_cache=False,
        ).logits[:, 4:][asked]
        found = answer_logits(model, prompt, questions, seen, asked, torch.zeros_like(fitted._allowed))
    torch.testing.assert_close(found, own)


def test_learning_is_from_observed_cells_and_never_shows_what_it_asks(shown):
    from imputers.llm.scratch.training import observed_slots, seen_answers

    generator = torch.Generator().manual_seed(0)
    prompt = observed_slots(shown, 4, 3, generator)
    n_known = (shown >= 4).sum(dim=1)
    assert torch.equal((prompt >= 4).sum(dim=1), n_known.clamp(max=3))  # answers first, then holes
    seen = seen_answers(prompt, shown, 4, 0.8, generator)
    assert not (seen & (prompt < 4)[:, None]).any()
    assert not (seen & (prompt[:, None, :] == shown[:, :, None])).any()
    others = (prompt >= 4)[:, None] & (prompt[:, None, :] != shown[:, :, None])
    assert 0.57 < seen.sum() / others.sum() < 0.63  # the mean of shares uniform from 0 to .8 is hidden


def test_folded_tables_give_the_same_answers(fitted, shown):
    from imputers.llm.scratch.network import build, fold

    model = build(fitted.vocabulary_, 32, 1, 2, torch.Generator().manual_seed(1))
    with torch.no_grad():
        before = model.eval()(input_ids=shown[:5]).logits
        fold(model)
        torch.testing.assert_close(model(input_ids=shown[:5]).logits, before)
    assert not [name for name in model.state_dict() if "parametriz" in name]


def test_loss_falls_and_probabilities_are_probabilities(twins, fitted):
    schema, X = twins
    losses = fitted.losses_[0]
    assert np.mean(losses[-20:]) < np.mean(losses[:5]) - 0.2
    prediction = fitted.impute(X, n_draws=2)
    check_prediction(prediction, X, schema)
    assert (prediction.probabilities[2][:, 4] == 0).all()  # nobody gave the fifth answer


def test_chained_draws_keep_what_independent_ones_lose(twins, fitted):
    X = twins[1]
    prediction = fitted.impute(X, n_draws=20)
    chained = [complete(X, fills)[:200] for fills in prediction.draws]
    agreement = np.mean([table[:, 0] == table[:, 1] for table in chained])
    independent = (prediction.probabilities[0][:200] * prediction.probabilities[1][:200]).sum(axis=1).mean()
    assert agreement == pytest.approx(0.95, abs=0.05)
    assert independent == pytest.approx(0.50, abs=0.08)


def test_draws_of_one_hole_have_the_stated_probabilities(fitted):
    row = np.array([[1.0, 1.0, np.nan, 50.0]])
    draws = fitted.impute(np.repeat(row, 4000, axis=0), n_draws=1).draws[0]
    stated = fitted.impute(row, n_draws=1).probabilities[2][0]
    assert [np.mean(draws == level) for level in range(1, 6)] == pytest.approx(stated, abs=0.03)


def test_several_models_share_the_draws_and_average_the_probabilities(twins):
    schema, X = twins
    imputer = IMPUTERS["llama-scratch"](**SMALL | {"n_models": 2, "most_steps": 30}).fit(
        X, schema=schema, random_state=3
    )
    both = imputer.impute(X, n_draws=3).probabilities
    single = []
    for model in list(imputer.models_):
        imputer.models_, imputer.n_models = [model], 1
        single.append(imputer.impute(X, n_draws=1).probabilities)
    assert not np.allclose(single[0][0], single[1][0], atol=1e-3)
    for j, table in both.items():
        np.testing.assert_allclose(table, (single[0][j] + single[1][j]) / 2, atol=1e-12)


def test_seed_decides_and_global_generators_are_left_alone(twins):
    schema, X = twins

    def answers(seed):
        imputer = IMPUTERS["llama-scratch"](**SMALL, most_steps=20).fit(X, schema=schema, random_state=seed)
        return imputer.impute(X, n_draws=1)

    with torch.random.fork_rng():
        torch.manual_seed(5)
        before = torch.get_rng_state()
        first = answers(1)
        assert torch.equal(torch.get_rng_state(), before)
        torch.manual_seed(6)  # another global state; dropout and weights are the same
        again, other = answers(1), answers(2)
    assert np.array_equal(first.draws, again.draws) and np.array_equal(first.probabilities[0], again.probabilities[0])
    assert not np.allclose(first.probabilities[0], other.probabilities[0])


def test_steps_follow_the_rows_up_to_a_limit(twins):
    schema, X = twins
    imputer = IMPUTERS["llama-scratch"](**SMALL, passes=30, batch_size=100)
    assert len(imputer.fit(X, schema=schema).losses_[0]) == 180
    assert len(imputer.set_params(most_steps=7).fit(X, schema=schema).losses_[0]) == 7


def test_transformers_works_beside_our_package_of_the_name_datasets():
    from transformers import LlamaForCausalLM

    import datasets

    assert hasattr(datasets, "DATASETS") and LlamaForCausalLM.__name__ == "LlamaForCausalLM"


@pytest.mark.parametrize(
    "wrong", [{"hidden": 30}, {"layers": 0}, {"n_models": 0}, {"dropout": 1.0}, {"learning_rate": 0.0}, {"passes": -1}]
)
def test_wrong_parameters_are_named(twins, wrong):
    schema, X = twins
    with pytest.raises(InputError, match=next(iter(wrong))):
        IMPUTERS["llama-scratch"](**wrong).fit(X, schema=schema)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_models", "error", "accuracy"),
    [
        (1, 0.778, 0.638),
        pytest.param(
            3, 0.772, 0.642, marks=pytest.mark.xfail(reason="the NRMSE of three models is .776 here", strict=True)
        ),
    ],
)
def test_quality_on_the_core_table(gss, n_models, error, accuracy):
    """Settings were chosen on another mask, on cells hidden again from the observed ones."""
    masked = make_mask(gss, "mcar", 0.3, 9)
    imputer = IMPUTERS["llama-scratch"](n_models=n_models)
    imputer.fit(masked.values, schema=masked.schema, random_state=1)
    prediction = imputer.impute(masked.values, n_draws=3)
    scores = score(masked, prediction)

    nominal = {column.name for column in gss.schema if column.kind is Kind.NOMINAL}

    def mean(name):
        return np.mean([v for metric, item, v in scores if metric == name and (name != "accuracy" or item in nominal)])

    assert mean("nrmse") <= error
    assert mean("accuracy") >= accuracy
    assert mean("design-correlation-error") <= 0.158
