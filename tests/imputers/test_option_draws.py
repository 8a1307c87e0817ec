import numpy as np
import pytest

from datasets.errors import InputError
from datasets.schema import Column, Kind
from imputers.llm.prompts.script import Script
from imputers.shared.vocabulary import Item

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from imputers.llm.scoring import draws, packing  # noqa: E402 - these need torch
from imputers.llm.scoring.draws import draw_in_turn  # noqa: E402
from imputers.llm.scoring.options import option_log_probabilities  # noqa: E402

COLUMNS = (
    Column("own", Kind.NOMINAL, {1.0: "yes", 2.0: "no"}),
    Column("mood", Kind.ORDINAL, {1.0: "good", 2.0: "bad", 3.0: "sad"}),
    Column("city", Kind.NOMINAL, {1.0: "Ulm", 2.0: "Bonn"}),
)
TEMPERATURES = np.array([0.7, 0.7, 0.7])


@pytest.fixture(scope="module")
def script(tiny_llama):
    items = [Item.fit(column, column.levels, n_bins=9) for column in COLUMNS]
    return Script.make(items, transformers.AutoTokenizer.from_pretrained(tiny_llama))


@pytest.fixture(scope="module")
def model(tiny_llama):
    """Llama with random weights under which an answer told changes what follows."""
    config = transformers.AutoConfig.from_pretrained(tiny_llama, initializer_range=0.2)
    with torch.random.fork_rng():
        torch.manual_seed(13)
        return transformers.LlamaForCausalLM(config).eval()


@pytest.fixture
def with_window(model, monkeypatch):
    def narrowed(window):
        monkeypatch.setattr(model.config, "max_position_embeddings", window)
        return model

    return narrowed


def shares(model, script, j, before):
    """Probabilities of item j's answers after a line."""
    asked = np.arange(3)[None] == j
    scores = option_log_probabilities(model, script, [script.opening + before], asked)[j][0] / TEMPERATURES[j]
    return np.exp(scores - np.logaddexp.reduce(scores))


def draw_two(model, script, n):
    """How often each answer to the first item came with each to the second, shape (2, 3)."""
    asked = np.tile([True, True, False], (n, 1))
    drawn = draw_in_turn(model, script, [script.opening] * n, asked, TEMPERATURES, 1, np.random.default_rng(1))[1][0]
    assert np.array_equal(drawn >= 0, asked)
    return np.array([[np.mean((drawn[:, 0] == a) & (drawn[:, 1] == b)) for b in range(3)] for a in range(2)])


def test_draws_follow_the_chain_of_probabilities(model, script, with_window):
    """Half of the respondents are asked one item first, half the other; without room, neither is told the other."""
    first, second = shares(model, script, 0, ()), shares(model, script, 1, ())
    one_way = [first[a] * shares(model, script, 1, script.lines[0][a]) for a in range(2)]
    other_way = [second[b] * shares(model, script, 0, script.lines[1][b]) for b in range(3)]
    wanted, apart = (np.array(one_way) + np.array(other_way).T) / 2, np.outer(first, second)
    assert np.abs(wanted - apart).max() > 0.2
    np.testing.assert_allclose(draw_two(model, script, 1000), wanted, atol=0.04)
    narrow = with_window(len(script.opening) + len(script.stems[1]) + len(script.beginnings[1][0]))
    np.testing.assert_allclose(draw_two(narrow, script, 1000), apart, atol=0.04)


@pytest.mark.parametrize("listed", [False, True])
def test_draws_of_one_respondent_are_a_tree_that_follows_the_chain(model, tiny_llama, listed):
    """All in the order of that respondent; a question that names its options is not what a line says."""
    items = [Item.fit(column, column.levels, n_bins=9) for column in COLUMNS]
    script = Script.make(items, transformers.AutoTokenizer.from_pretrained(tiny_llama), list_options=listed)
    asked = np.array([[True, True, False], [False, True, True]])
    contexts = [script.opening, script.opening + script.lines[0][1]]
    stated, drawn = draw_in_turn(model, script, contexts, asked, TEMPERATURES, 3000, np.random.default_rng(2))
    orders = np.argsort(np.where(asked, np.random.default_rng(2).random(asked.shape), np.inf), axis=1)[:, :2]
    for i, (first, second) in enumerate(orders):
        told = contexts[i][len(script.opening) :]
        place = asked.cumsum(axis=0)[i] - 1
        chances = shares(model, script, first, told)
        np.testing.assert_allclose(stated[first][place[first]], chances, atol=1e-5)
        counts = np.bincount(drawn[:, i, first], minlength=len(chances)) / 3000
        behind = [shares(model, script, second, told + line) for line in script.lines[first]]
        np.testing.assert_allclose(stated[second][place[second]], counts @ behind, atol=1e-4)
        for a, chance in enumerate(chances):
            given = drawn[drawn[:, i, first] == a, i, second]
            assert len(given) / 3000 == pytest.approx(chance, abs=0.03)
            wanted = chance * behind[a]
            found = np.bincount(given, minlength=len(wanted)) / 3000
            np.testing.assert_allclose(found, wanted, atol=0.03)


def test_draws_that_agree_share_one_reading(model, script):
    """Of a thousand draws of two items with two and three answers, a pass reads the second question twice at most."""
    rows = []
    hook = model.get_decoder().register_forward_pre_hook(
        lambda module, given, named: rows.append(named["input_ids"].shape), with_kwargs=True
    )
    asked = np.array([[True, True, False]])
    draw_in_turn(model, script, [script.opening], asked, TEMPERATURES, 1000, np.random.default_rng(0))
    hook.remove()
    assert max(b * length for b, length in rows[-2:]) < 3 * max(len(line) for line in script.lines[1]) + 30


def test_draws_do_not_depend_on_batches(model, script):
    answers = np.array([[-1, -1, -1], [0, -1, -1], [-1, 2, -1], [1, 1, 1], [-1, 0, 0]])
    contexts, asked = [script.context(own, range(3)) for own in answers], answers < 0
    runs = [
        draw_in_turn(model, script, contexts, asked, TEMPERATURES, 7, np.random.default_rng(5), max_tokens)[1]
        for max_tokens in (1, 100, 10_000)
    ]
    assert np.array_equal(runs[0], runs[1]) and np.array_equal(runs[1], runs[2])
    assert all(np.array_equal(draw >= 0, asked) for draw in runs[0])


def test_draws_do_not_depend_on_padding(model, script, monkeypatch):
    asked = np.array([[True, True, True], [False, True, False], [True, False, True]])
    contexts = [script.opening, script.opening + script.lines[0][1], script.opening + script.lines[1][2]]
    runs = []
    for multiple in (1, 7, 16):
        monkeypatch.setattr(packing, "MULTIPLE", multiple)
        runs.append(draw_in_turn(model, script, contexts, asked, TEMPERATURES, 20, np.random.default_rng(4))[1])
    assert np.array_equal(runs[0], runs[1]) and np.array_equal(runs[1], runs[2])


@pytest.mark.parametrize("listed", [False, True])
def test_draws_do_not_depend_on_rows_of_the_cache(model, tiny_llama, monkeypatch, listed):
    """Every branch in a row of its own, two in one, all in one: the same probabilities, and so the same draws."""
    items = [Item.fit(column, column.levels, n_bins=9) for column in COLUMNS]
    script = Script.make(items, transformers.AutoTokenizer.from_pretrained(tiny_llama), list_options=listed)
    asked = np.array([[True, True, True], [False, True, False], [True, False, True]])
    contexts = [script.opening, script.opening + script.lines[0][1], script.opening + script.lines[1][2]]
    runs = []
    for most in (1, 2 * max(map(len, script.stems)), 10_000):
        monkeypatch.setattr(draws, "MAX_QUESTION_TOKENS", most)
        runs.append(draw_in_turn(model, script, contexts, asked, TEMPERATURES, 20, np.random.default_rng(4)))
    for stated, drawn in runs[1:]:
        assert np.array_equal(drawn, runs[0][1])
        for ours, theirs in zip(stated, runs[0][0], strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_the_cache_holds_no_options_that_were_not_drawn(model, tiny_llama):
    """When the last of three items is asked, each draw has read one line, and no question, however long its list."""
    items = [Item.fit(column, column.levels, n_bins=9) for column in COLUMNS]
    script = Script.make(items, transformers.AutoTokenizer.from_pretrained(tiny_llama), list_options=True)
    held = []
    hook = model.get_decoder().register_forward_pre_hook(
        lambda module, given, named: held.append(named["past_key_values"].get_seq_length()), with_kwargs=True
    )
    draw_in_turn(model, script, [script.opening], np.ones((1, 3), bool), TEMPERATURES, 2, np.random.default_rng(0))
    hook.remove()
    line, question = max(len(line) for lines in script.lines for line in lines), min(map(len, script.stems))
    assert held[-1] <= len(script.opening) + 2 * line < len(script.opening) + 2 * question


def test_prompt_beyond_the_window_is_told(model, script, with_window):
    asked = np.array([[False, True, False], [False, False, False]])
    needed = len(script.opening) + len(script.stems[1]) + len(script.beginnings[1][0])
    for ask in (
        option_log_probabilities,
        lambda *given: draw_in_turn(*given, TEMPERATURES, 1, np.random.default_rng(0)),
    ):
        ask(with_window(needed), script, [script.opening] * 2, asked)
        with pytest.raises(InputError, match=f"respondent 0 takes {needed} tokens, llama reads {needed - 1}"):
            ask(with_window(needed - 1), script, [script.opening] * 2, asked)
