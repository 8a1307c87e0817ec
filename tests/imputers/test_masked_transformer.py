import numpy as np
import pytest

from benchmarks.cells import make_mask
from benchmarks.scoring import score
from datasets.coherence import check_coherence
from datasets.errors import InputError
from datasets.prediction import check_prediction, complete
from datasets.schema import Kind
from imputers import IMPUTERS

torch = pytest.importorskip("torch")

SMALL = {"n_hidden": 32, "n_layers": 1, "n_heads": 2, "n_estimators": 1}


@pytest.fixture(scope="module")
def fitted(twins):
    schema, X = twins
    return IMPUTERS["masked-transformer"](**SMALL).fit(X, schema=schema, random_state=3)


@pytest.fixture(scope="module")
def shown(twins, fitted):
    return fitted.vocabulary_.encode(twins[1])


def asked_of(prompt, items, asked, visible=None):
    """Questions to the asked places (b, q) that see all observed cells of their row, or those given."""
    from imputers.generative.networks.masked_transformer import Questions

    if visible is None:
        visible = np.broadcast_to((prompt >= 4)[:, None], (*items.shape, prompt.shape[1]))
    return Questions(prompt, items, torch.from_numpy(visible.astype(np.float32)), np.flatnonzero(asked))


def logs(imputer, shown, asked):
    """Log-probabilities at asked places of a prompt with a word for each item."""
    found = imputer.networks_[0].probabilities(asked_of(shown, np.where(asked, shown, 0), asked))
    return np.log(found.clip(1e-30))


def reference(network, questions, factors):
    """Last states of the asked questions by plain torch, with cells and questions in one sequence and a full mask."""
    from torch.nn.functional import rms_norm, scaled_dot_product_attention, silu

    factors = iter(factors)
    prompt, items, visible = (torch.as_tensor(x) for x in (questions.prompt, questions.items, questions.visible))
    (b, q), s = items.shape, prompt.shape[1]
    words = network.words_in + network.basis @ network.items_in
    n_hidden, n_heads = words.shape[1], network.n_heads
    cells, state = words[prompt], words[items] * next(factors).view(b, q, -1)
    mask = torch.eye(s + q, dtype=torch.bool).repeat(b, 1, 1)
    mask[:, s:, :s] = visible > 0
    for layer in network.layers:
        both = torch.cat([cells, state], dim=1)
        projected = rms_norm(both, (n_hidden,), layer.norm_attention, 1e-6) @ layer.project.t()
        query, key, value = (x.unflatten(2, (n_heads, -1)).transpose(1, 2) for x in projected.chunk(3, dim=2))
        mixed = scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None]).transpose(1, 2).flatten(2)
        drops = [torch.ones(b, s + q, n_hidden) for _ in range(2)]
        for drop in drops:
            own = next(factors)
            if len(own) == b * q:
                drop[:, s:] = own.view(b, q, -1)
            else:  # of the asked questions alone
                drop.view(-1, n_hidden)[torch.arange(b * (s + q)).view(b, -1)[:, s:].flatten()[questions.asked]] = own
        both = both + drops[0] * (mixed @ layer.mix.t())
        gate, up = (rms_norm(both, (n_hidden,), layer.norm_mlp, 1e-6) @ layer.gate_up.t()).chunk(2, dim=2)
        both = both + drops[1] * ((silu(gate) * up) @ layer.down.t())
        cells, state = both[:, :s], both[:, s:]
    state = rms_norm(state, (n_hidden,), network.norm, 1e-6).flatten(0, 1)[questions.asked]
    return state @ (network.words_out + network.basis @ network.items_out).t()


def strong_network(vocabulary, n_layers):
    """Network whose attention is far from even and whose norms are not all ones."""
    from imputers.generative.networks.masked_transformer import Network

    rng = np.random.default_rng(1)
    network = Network(vocabulary, 32, n_layers, 2, rng)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(10 if parameter.dim() == 2 else 1)
            parameter.add_(torch.from_numpy(0.1 * rng.standard_normal(parameter.shape, dtype=np.float32)))
    return network


def some_questions(shown, rng):
    """Half of the questions to 200 rows, each of which sees 70 % of the observed cells, sorted by item."""
    prompt, items = shown[150:350], np.tile(np.arange(4), (200, 1))
    visible = (rng.random((200, 4, 4)) < 0.7) & (prompt >= 4)[:, None]
    asked = (rng.random((200, 4)) < 0.5) & (prompt >= 4)
    found = asked_of(prompt, items, asked, visible)
    order = np.argsort(items.ravel()[found.asked], kind="stable")
    found.asked[:] = found.asked[order]
    return found, prompt.ravel()[found.asked]


def test_questions_do_not_see_each_other(fitted, shown):
    """A hole asked alone gets the answer that it gets among all holes, and its row's other holes are never seen."""
    asked = shown < 4
    together = np.zeros((*shown.shape, fitted.vocabulary_.shares.shape[1]))
    together[asked] = logs(fitted, shown, asked)
    for j in range(4):
        alone = asked & (np.arange(4) == j)
        rows = alone.any(axis=1)
        np.testing.assert_allclose(logs(fitted, shown[rows], alone[rows]), together[alone], rtol=1e-4, atol=1e-5)
        # without the other questions in the prompt at all
        first = np.flatnonzero(rows)[:1]
        kept = (shown[first] >= 4) | alone[first]
        bare = logs(fitted, shown[first][kept][None], alone[first][kept][None])
        np.testing.assert_allclose(bare[0], together[first[0], j], rtol=1e-4, atol=1e-5)


def test_known_answers_count_and_their_order_does_not(fitted, shown):
    rows = slice(300, 600)
    asked = np.zeros((300, 4), dtype=bool)
    asked[:, 1] = True
    prompt = np.where(asked, np.arange(4), shown[rows])
    found = logs(fitted, prompt, asked)
    order = [3, 1, 0, 2]
    np.testing.assert_allclose(logs(fitted, prompt[:, order], asked[:, order]), found, rtol=1e-4, atol=1e-5)
    other = prompt.copy()
    first, last = fitted.vocabulary_.bounds[:2]
    other[:, 0] = first + last - 1 - prompt[:, 0]  # yes becomes no
    own = slice(0, int(fitted.vocabulary_.bounds[2] - last))
    changed = logs(fitted, other, asked)
    assert (np.abs(changed - found)[:, own] > 0.5).all()


def test_weights_of_zero_answer_by_the_observed_shares(fitted, shown):
    network = strong_network(fitted.vocabulary_, 1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    questions, _ = some_questions(shown, np.random.default_rng(2))
    items = questions.items.ravel()[questions.asked]
    np.testing.assert_allclose(network.probabilities(questions), fitted.vocabulary_.shares[items], atol=1e-6)


@pytest.mark.parametrize("n_layers", [1, 2])
def test_probabilities_are_those_of_the_whole_sequence(fitted, shown, n_layers):
    """Plain torch over the same words, with the attention mask in full."""
    network = strong_network(fitted.vocabulary_, n_layers)
    questions, _ = some_questions(shown, np.random.default_rng(2))
    with torch.no_grad():
        scores = reference(network, questions, [torch.ones(800, 32)] * (1 + 2 * n_layers))
    own = network.own_words[questions.items.ravel()[questions.asked]]
    offset = network.offset[questions.items.ravel()[questions.asked]]
    expected = (scores.gather(1, own) + offset).softmax(dim=1)
    np.testing.assert_allclose(network.probabilities(questions), expected.numpy(), atol=1e-5)


@pytest.mark.parametrize("n_layers", [1, 2])
def test_loss_and_its_gradient_are_those_of_plain_torch(fitted, shown, n_layers):
    """Loss and gradient of every weight, dropout included, against attention over one sequence with a full mask."""
    from torch.nn.functional import cross_entropy

    network = strong_network(fitted.vocabulary_, n_layers)
    questions, words = some_questions(shown, np.random.default_rng(2))
    source, factors = torch.Generator().manual_seed(0), []

    def dropout(shape):
        factors.append(1.25 * (torch.rand(shape, generator=source) < 0.8))
        return factors[-1]

    loss = network.loss(questions, words, dropout)
    loss.backward()
    found = {name: parameter.grad.clone() for name, parameter in network.named_parameters()}
    network.zero_grad()
    scores = reference(network, questions, factors)
    items = torch.as_tensor(questions.items.ravel()[questions.asked])
    own = scores.gather(1, network.own_words[items]) + network.offset[items]
    expected = cross_entropy(own, torch.as_tensor(words - network.first[items]))
    expected.backward()
    torch.testing.assert_close(loss, expected)
    for name, parameter in network.named_parameters():
        scale = float(parameter.grad.abs().max())
        assert scale > 0
        torch.testing.assert_close(found[name], parameter.grad, rtol=1e-4, atol=1e-5 * scale, msg=name)


def test_learning_is_from_observed_cells_and_never_shows_what_it_asks(shown):
    from imputers.generative.networks.masked_transformer import observed_cells, visible_cells

    rng = np.random.default_rng(0)
    prompt = observed_cells(shown, 4, 3, rng)
    n_known = (shown >= 4).sum(axis=1)
    assert np.array_equal((prompt >= 4).sum(axis=1), n_known.clip(max=3))  # answers first, then holes
    visible = visible_cells(prompt, shown, 4, 0.8, rng)
    assert not (visible & (prompt < 4)[:, None]).any()
    assert not (visible & (prompt[:, None, :] == shown[:, :, None])).any()
    others = (prompt >= 4)[:, None] & (prompt[:, None, :] != shown[:, :, None])
    assert 0.57 < visible.sum() / others.sum() < 0.63  # the mean of shares uniform from 0 to .8 is masked


def test_batches_ask_for_observed_cells_of_the_targets_alone(shown):
    from imputers.generative.networks.masked_transformer import Plan, batches

    plan = Plan(n_steps=5, batch_size=50, learning_rate=1e-3, dropout=0.1)
    for questions, words in batches(shown, np.array([1, 3]), plan, np.random.default_rng(0)):
        items = questions.items.ravel()[questions.asked]
        assert set(items) <= {1, 3} and (np.diff(items) >= 0).all() and (words >= 4).all()
        assert questions.items.shape[0] == 50


def test_words_of_an_item_share_its_directions(fitted):
    """A word's vector is its own, plus its item's, plus place on the scale and its square times two directions."""
    network, vocabulary = fitted.networks_[0], fitted.vocabulary_
    shared = (network.basis @ network.items_in).numpy()
    assert not shared[:4].any()  # questions have their own vector only
    directions = network.items_in.numpy().reshape(3, 4, -1)
    for word in range(4, len(vocabulary)):
        item, place = vocabulary.item_of[word], vocabulary.scores[word]
        expected = directions[0, item] + place * directions[1, item] + place**2 * directions[2, item]
        np.testing.assert_allclose(shared[word], expected, rtol=1e-4, atol=1e-5)


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


def test_several_networks_share_the_draws_and_average_the_probabilities(twins):
    schema, X = twins
    imputer = IMPUTERS["masked-transformer"](**SMALL | {"n_estimators": 2, "max_iter": 30}).fit(
        X, schema=schema, random_state=3
    )
    row = np.tile([1.0, 1.0, np.nan, 50.0], (5, 1))  # a single hole, which no other draw tells of
    both = imputer.impute(row, n_draws=4).probabilities[2]
    single = []
    for network in list(imputer.networks_):
        imputer.networks_, imputer.n_estimators = [network], 1
        single.append(imputer.impute(row, n_draws=1).probabilities[2])
    assert not np.allclose(*single, atol=1e-3)
    np.testing.assert_allclose(both, np.mean(single, axis=0), atol=1e-12)


def test_probabilities_are_those_that_the_draws_were_drawn_by(twins, fitted):
    schema, X = twins
    prediction = fitted.impute(X, n_draws=50)
    check_coherence(prediction, X, schema)
    holes = np.nonzero(np.isnan(X))[1]
    shares = [(prediction.draws[:, holes == 0] == level).mean() for level in schema.columns[0].levels]
    np.testing.assert_allclose(shares, prediction.probabilities[0].mean(axis=0), atol=0.02)


def test_seed_decides_and_global_generators_are_left_alone(twins):
    schema, X = twins

    def predictions(seed):
        imputer = IMPUTERS["masked-transformer"](**SMALL, max_iter=20).fit(X, schema=schema, random_state=seed)
        return imputer.impute(X, n_draws=1)

    with torch.random.fork_rng():
        torch.manual_seed(5)
        before = torch.get_rng_state()
        first = predictions(1)
        assert torch.equal(torch.get_rng_state(), before)
        torch.manual_seed(6)  # another global state; dropout and weights are the same
        again, other = predictions(1), predictions(2)
    assert np.array_equal(first.draws, again.draws) and np.array_equal(first.probabilities[0], again.probabilities[0])
    assert not np.allclose(first.probabilities[0], other.probabilities[0])


def test_steps_follow_the_rows_up_to_a_limit(twins):
    schema, X = twins
    imputer = IMPUTERS["masked-transformer"](**SMALL, n_epochs=30, batch_size=100)
    assert len(imputer.fit(X, schema=schema).losses_[0]) == 180
    assert len(imputer.set_params(max_iter=7).fit(X, schema=schema).losses_[0]) == 7


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_hidden": 30},
        {"n_layers": 0},
        {"n_estimators": 0},
        {"dropout": 1.0},
        {"learning_rate": 0.0},
        {"n_epochs": -1},
    ],
)
def test_wrong_parameters_are_named(twins, wrong):
    schema, X = twins
    with pytest.raises(InputError, match=next(iter(wrong))):
        IMPUTERS["masked-transformer"](**wrong).fit(X, schema=schema)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_estimators", "error", "accuracy"),
    [
        (1, 0.778, 0.638),
        pytest.param(
            3, 0.772, 0.642, marks=pytest.mark.xfail(reason="the NRMSE of three networks is .776 here", strict=True)
        ),
    ],
)
def test_quality_on_the_core_table(gss, n_estimators, error, accuracy):
    """Settings were chosen on another mask, on validation cells of the observed ones."""
    masked = make_mask(gss, "mcar", 0.3, 9)
    imputer = IMPUTERS["masked-transformer"](n_estimators=n_estimators)
    imputer.fit(masked.values, schema=masked.schema, random_state=1)
    scores = score(masked, imputer.impute(masked.values, n_draws=3))

    nominal = {column.name for column in gss.schema if column.kind is Kind.NOMINAL}

    def mean(name):
        return np.mean([v for metric, item, v in scores if metric == name and (name != "accuracy" or item in nominal)])

    assert mean("nrmse") <= error
    assert mean("accuracy") >= accuracy
    assert mean("design-correlation-error") <= 0.158
