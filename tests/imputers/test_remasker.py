import numpy as np
import pytest

torch = pytest.importorskip("torch")

from datasets.errors import InputError  # noqa: E402 - these need torch
from datasets.schema import Column, Kind, Schema  # noqa: E402
from imputers.generative.networks.encoding import Encoding  # noqa: E402
from imputers.generative.networks.remasker import Block, Network, Sizes  # noqa: E402
from imputers.generative.remasker import ReMasker  # noqa: E402

CPU = torch.device("cpu")
LABELS = {0.0: "red", 1.0: "green", 2.0: "blue"}
AGREE = 0.8  # share of rows in which b is a; otherwise b is one of the two others


@pytest.fixture(scope="module")
def small(masked_toy):
    """An untrained network and the small table as it reads it."""
    X = masked_toy.values
    encoding = Encoding.fit(X, masked_toy.schema)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Network(encoding.likelihoods(X, CPU), encoding.owners, Sizes(16, 2, 2, 1))
        for weights in (*network.to_location, *network.to_shape):
            torch.nn.init.normal_(weights)  # far from the margins
    return network.requires_grad_(False), encoding.batch(X, CPU)


def told(network, inputs, kept):
    return [part for _, *parts in network.heads(inputs, kept) for part in parts]


def test_nothing_is_learned_from_cells_that_are_not_kept(small):
    network, batch = small
    kept = (batch.observed > 0) & (torch.rand(batch.observed.shape, generator=torch.Generator().manual_seed(1)) < 0.5)
    shown = kept.float() @ network.owned.T
    other = torch.where(shown > 0, batch.inputs, 7.0)
    assert all(
        torch.equal(*pair) for pair in zip(*(told(network, x, kept) for x in (batch.inputs, other)), strict=True)
    )
    other = torch.where(shown > 0, batch.inputs + 1, batch.inputs)
    assert not torch.allclose(told(network, other, kept)[0], told(network, batch.inputs, kept)[0])


def test_a_row_is_predicted_the_same_in_any_company_even_if_nothing_is_observed(small):
    network, batch = small
    kept = batch.observed > 0
    kept[3] = False
    whole = told(network, batch.inputs, kept)
    for i in (0, 3, 7):
        alone = told(network, batch.inputs[[i]], kept[[i]])
        for one, many in zip(alone, whole, strict=True):
            assert torch.isfinite(one).all() and torch.allclose(one[0], many[i], atol=1e-4)


def test_attention_is_that_of_torch_and_skips_what_is_not_seen():
    torch_generator = torch.Generator().manual_seed(0)
    block, reference = Block(8, 2), torch.nn.MultiheadAttention(8, 2, batch_first=True)
    tokens = torch.randn(5, 4, 8, generator=torch_generator)
    seen = torch.tensor([True, True, False, True]).expand(5, 4)
    with torch.no_grad():
        reference.in_proj_weight.copy_(block.to_attention.weight)
        reference.in_proj_bias.copy_(block.to_attention.bias)
        reference.out_proj.weight.copy_(block.from_attention.weight)
        reference.out_proj.bias.copy_(block.from_attention.bias)
        block.mixing[2].weight.zero_(), block.mixing[2].bias.zero_()  # leaves attention alone
        x = block.before_attention(tokens)
        expected = tokens + reference(x, x, x, key_padding_mask=~seen)[0]
        assert torch.allclose(block(tokens, seen[:, None, None]), expected, atol=1e-5)
        assert torch.allclose(block(tokens, None), tokens + reference(x, x, x)[0], atol=1e-5)


@pytest.mark.parametrize("ratio", [0.25, 0.6])
def test_loss_is_the_mean_over_masked_cells_plus_that_over_kept_ones(small, ratio):
    network, batch = small
    loss = network.loss(batch, ratio, torch.Generator().manual_seed(4))
    observed = batch.observed > 0
    kept = observed & (torch.rand(observed.shape, generator=torch.Generator().manual_seed(4)) >= ratio)
    assert float(kept.sum() / observed.sum()) == pytest.approx(1 - ratio, abs=0.05)
    cells = network.log_prob(batch.values, batch.inputs, kept)
    assert float(loss) == pytest.approx(float(-cells[observed & ~kept].mean() - cells[kept].mean()), rel=1e-5)


@pytest.fixture(scope="module")
def pairs():
    """Items a and b, which agree in four rows of five, and a number that follows a; 30 % holes."""
    rng = np.random.default_rng(0)
    a = rng.integers(3, size=1500)
    b = np.where(rng.random(1500) < AGREE, a, (a + rng.integers(1, 3, 1500)) % 3)
    X = np.column_stack([a, b, 10 * a + rng.normal(size=1500)]).astype(float)
    X[rng.random(X.shape) < 0.3] = np.nan
    X[:100] = np.nan  # nothing is known of these
    schema = Schema((Column("a", Kind.NOMINAL, LABELS), Column("b", Kind.ORDINAL, LABELS), Column("c", Kind.NUMERIC)))
    return X, schema


@pytest.fixture(scope="module")
def fitted(pairs):
    X, schema = pairs
    return ReMasker(n_hidden=16, max_epochs=30, batch_size=64).fit(X, schema=schema)


def test_it_learns_the_conditional_distribution(pairs, fitted):
    schema = pairs[1]
    X = np.array([[0, np.nan, np.nan], [1, np.nan, np.nan], [2, np.nan, np.nan], [np.nan, np.nan, 20.0]])
    prediction = fitted.impute(X, n_draws=4000)
    table = np.full((3, 3), (1 - AGREE) / 2)
    np.fill_diagonal(table, AGREE)
    assert prediction.probabilities[1][:3] == pytest.approx(table, abs=0.08)
    assert prediction.probabilities[0][0] == pytest.approx([0, 0, 1], abs=0.05)  # c = 20 tells that a is 2
    columns = np.nonzero(np.isnan(X))[1]
    assert prediction.expected[columns == 2] == pytest.approx([0, 10, 20], abs=1.0)
    assert prediction.draws[:, columns == 2].std(axis=0) == pytest.approx(np.ones(3), abs=0.5)
    shares = (prediction.draws[:, columns == 1][:, :, None] == schema.columns[1].levels).mean(axis=0)
    assert shares[:3] == pytest.approx(table, abs=0.1)


@pytest.mark.parametrize(("n_groups", "agreement"), [(1, 1 / 3), (3, 2 / 3 * AGREE + 1 / 9)])
def test_draws_of_a_row_agree_as_often_as_its_holes_are_drawn_one_after_the_other(pairs, fitted, n_groups, agreement):
    """Two holes fall into one of three groups with probability 1/3, and then agree by chance, with 1/3."""
    X = pairs[0][:100]
    prediction = fitted.set_params(n_groups=n_groups).impute(X, n_draws=50)
    a, b = (prediction.draws[:, np.nonzero(np.isnan(X))[1] == j] for j in (0, 1))
    assert (a == b).mean() == pytest.approx(agreement, abs=0.06)


def test_scores_rise_and_small_tables_get_few_steps(masked_toy, fitted):
    assert max(fitted.curves_[0].scores) > fitted.curves_[0].scores[0] + 0.5
    quick = ReMasker(max_epochs=1).fit(masked_toy.values, schema=masked_toy.schema)
    assert quick.curves_[0].steps[-1] == 300


def test_it_leaves_every_global_generator_as_it_was(masked_toy):
    before = np.random.get_state(legacy=False), torch.get_rng_state()  # noqa: NPY002
    ReMasker(max_epochs=1).fit(masked_toy.values, schema=masked_toy.schema).impute(masked_toy.values, n_draws=1)
    assert repr(before[0]) == repr(np.random.get_state(legacy=False))  # noqa: NPY002
    assert torch.equal(before[1], torch.get_rng_state())


@pytest.mark.parametrize(
    "wrong", [{"n_hidden": 10, "n_heads": 4}, {"mask_ratio": 0.0}, {"mask_ratio": 1.0}, {"n_groups": 0}]
)
def test_parameters_that_make_no_network_are_refused(masked_toy, wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        ReMasker(**wrong).fit(masked_toy.values, schema=masked_toy.schema)
