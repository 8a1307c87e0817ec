import numpy as np
import pytest

from datasets.schema import Column, Kind, Schema
from imputers import IMPUTERS
from imputers.llm.prompts.script import Script
from imputers.shared.vocabulary import Vocabulary

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from imputers.llm import scoring  # noqa: E402 - these need torch
from imputers.llm.scoring.options import option_log_probabilities, tokens_at_once  # noqa: E402
from imputers.llm.scoring.packing import Block, pack  # noqa: E402
from imputers.llm.scoring.reading import PrefixCache, ask, log_likelihoods, read  # noqa: E402

SIZES = {
    "vocab_size": 257,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "initializer_range": 0.3,  # so that what is read matters
}
FAMILIES = {
    "llama": (transformers.LlamaConfig, transformers.LlamaForCausalLM),
    "mistral": (transformers.MistralConfig, transformers.MistralForCausalLM),
    "qwen2": (transformers.Qwen2Config, transformers.Qwen2ForCausalLM),
}
SCHEMA = Schema(
    (
        Column("own", Kind.NOMINAL, {1.0: "yes", 2.0: "no"}, "own or rent"),
        Column("mood", Kind.ORDINAL, {1.0: "very happy", 2.0: "very sad", 3.0: "so so"}),
        Column("age", Kind.NUMERIC, decimals=0),
        Column("town", Kind.TEXT, {float(k): f"Town {k * k}" for k in range(80)}),
    )
)


def random_model(family="llama", seed=0, **sizes):
    config, architecture = FAMILIES[family]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return architecture(config(**SIZES | sizes)).eval()


def with_adapter(model):
    peft = pytest.importorskip("peft")
    with torch.random.fork_rng():
        torch.manual_seed(1)
        config = peft.LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM")
        return peft.get_peft_model(model, config).eval()


def full_pass(model, context, stem, option):
    """Sum of the option's token log-probabilities over one ordinary causal pass."""
    tokens = torch.tensor([context + stem + option])
    logits = model(input_ids=tokens).logits[0].log_softmax(dim=1)
    start = tokens.shape[1] - len(option)
    return sum(logits[start + i - 1, token] for i, token in enumerate(option))


def full_passes(model, script, contexts, asked):
    with torch.no_grad():
        return [
            np.array(
                [
                    [float(full_pass(model, contexts[i], script.stems[j], option)) for option in script.beginnings[j]]
                    for i in np.flatnonzero(asked[:, j])
                ]
            ).reshape(-1, len(script.beginnings[j]))
            for j in range(asked.shape[1])
        ]


def assert_same(found, wanted, atol=1e-4):
    for own, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(own, other, rtol=0, atol=atol)


@pytest.fixture(scope="module")
def script(tiny_llama):
    """Of items with 2, 3, 7 and 80 answers; a token per character."""
    X = np.column_stack([np.arange(80) % 2 + 1, np.arange(80) % 3 + 1, np.arange(80) % 7 + 20, np.arange(80)])
    return Script.make(
        Vocabulary.fit(SCHEMA, X.astype(float), n_bins=9).items, transformers.AutoTokenizer.from_pretrained(tiny_llama)
    )


@pytest.fixture(scope="module")
def model():
    return random_model()


@pytest.fixture(scope="module")
def people(script):
    """Contexts of 5 respondents who told 0 to 2 answers, and what they are asked: other items, the last one nothing."""
    answers = np.array([[0, -1, -1, -1], [-1, 2, 3, -1], [-1, -1, -1, -1], [1, -1, -1, 3], [0, -1, -1, -1]])
    asked = answers < 0
    asked[[0, 2], 3] = asked[4] = False  # one is enough to be asked a question of 80 options
    return [script.context(own, [3, 1, 0, 2]) for own in answers], asked


@pytest.fixture(scope="module")
def wanted(model, script, people):
    return full_passes(model, script, *people)


def test_tree_of_options_branches_where_they_differ():
    block = Block.make((1, 2), [(3, 9), (3, 4, 9), (5, 9)])
    assert block.tokens.tolist() == [1, 2, 3, 4, 5]  # the ends are not read
    assert block.parents.tolist() == [-1, 0, 1, 2, 1]
    assert block.depths.tolist() == [0, 1, 2, 3, 2]
    assert block.sees.astype(int).tolist() == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 1, 1, 1, 0],
        [1, 1, 0, 0, 1],
    ]
    spelled = [[(int(block.sources[e]), int(block.targets[e])) for e in path] for path in block.paths]
    assert spelled == [[(1, 3), (2, 9)], [(1, 3), (2, 4), (3, 9)], [(1, 5), (4, 9)]]
    assert block.sources.tolist() == sorted(block.sources)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("wrapped", [False, True])
def test_scores_are_those_of_a_full_pass_per_option(family, wrapped, script, people):
    model = random_model(family)
    model = with_adapter(model) if wrapped else model
    few = people[0], people[1] & (np.arange(4) < 3)
    assert_same(option_log_probabilities(model, script, *few), full_passes(model, script, *few))


def test_eager_attention_and_half_precision(script, people, wanted):
    eager = random_model(attn_implementation="eager")
    assert_same(option_log_probabilities(eager, script, *people), wanted)
    half = option_log_probabilities(random_model(num_hidden_layers=1).bfloat16(), script, *people)
    exact = option_log_probabilities(random_model(num_hidden_layers=1), script, *people)
    np.testing.assert_allclose(half[0], exact[0], rtol=0.05)


def test_uniform_model_gives_each_token_its_share(script, people):
    model = random_model()
    torch.nn.init.zeros_(model.get_output_embeddings().weight)
    scores = option_log_probabilities(model, script, *people)
    for own, options in zip(scores, script.beginnings, strict=True):
        lengths = np.array([len(option) for option in options])
        np.testing.assert_allclose(own, np.tile(-lengths * np.log(257), (len(own), 1)), rtol=1e-6)
    np.testing.assert_allclose(np.exp(scores[0]).sum(axis=1), 2 * 257.0**-2, rtol=1e-5)  # " y" and " n"


@pytest.mark.parametrize(("together", "max_tokens"), [(1, 1), (40, 300), (1, 10_000), (10_000, 300)])
def test_batches_parts_and_padding_change_nothing(together, max_tokens, script, people, model, wanted, monkeypatch):
    monkeypatch.setattr(scoring.options, "MAX_QUESTION_TOKENS", together)
    assert_same(option_log_probabilities(model, script, *people, max_tokens), wanted)


@pytest.mark.parametrize("multiple", [1, 7, 64])
def test_a_length_to_which_texts_are_padded_changes_nothing(multiple, script, people, model, wanted, monkeypatch):
    lengths = []
    monkeypatch.setattr(scoring.packing, "MULTIPLE", multiple)
    hook = model.get_decoder().register_forward_pre_hook(
        lambda module, given, named: lengths.append(named["input_ids"].shape[1]), with_kwargs=True
    )
    found = option_log_probabilities(model, script, *people)
    hook.remove()
    assert_same(found, wanted)
    assert lengths and all(length % multiple == 0 for length in lengths)


def test_questions_are_blind_to_each_other(script, people, model):
    contexts, asked = people
    together = option_log_probabilities(model, script, contexts, asked)
    for j in range(4):
        alone = option_log_probabilities(model, script, contexts, asked & (np.arange(4) == j))
        assert_same([alone[j]], [together[j]], atol=5e-5)
        assert all(len(alone[k]) == 0 for k in range(4) if k != j)


def test_head_works_only_where_something_is_predicted(script, people, model):
    rows = []
    hook = model.get_output_embeddings().register_forward_hook(lambda *parts: rows.append(len(parts[2])))
    option_log_probabilities(model, script, *people)
    hook.remove()
    beginnings = [{option[:k] for option in options for k in range(len(option))} for options in script.beginnings]
    assert sum(rows) == sum(n * len(own) for n, own in zip(people[1].sum(axis=0), beginnings, strict=True))
    assert max(rows) <= 512


def test_memory_that_is_extended_equals_one_read_at_once(script, people, model):
    contexts, _ = people
    questions = [[Block.make(script.stems[j], script.beginnings[j])] for j in (1, 2, 0)]
    lines = [script.lines[0][1], (), script.lines[3][79]]
    with torch.no_grad():
        prefix = read(model, PrefixCache.empty(5), contexts)
        prefix = read(model, prefix, lines)  # the last two respondents are left behind
        asked_first = ask(model, prefix, range(3), questions)
        prefix = read(model, prefix, [script.lines[2][0]] * 3)
        chained = ask(model, prefix, [2, 0, 2], questions)
        line = script.lines[2][0]
        whole = [contexts[i] + lines[i] + line for i in range(3)]
        fresh = log_likelihoods(model, pack([whole[2], whole[0], whole[2]], questions))
        torch.testing.assert_close(chained, fresh, rtol=0, atol=1e-4)
        direct = log_likelihoods(model, pack([contexts[i] + lines[i] for i in range(3)], questions))
        torch.testing.assert_close(asked_first, direct, rtol=0, atol=1e-4)


def test_gradients_are_those_of_full_passes(script, people, model):
    contexts, _ = people
    cells = [(0, 1, 2), (0, 2, 0), (1, 0, 1)]  # respondent, item, answer
    blocks = [Block.make(script.stems[j], [script.beginnings[j][k]]) for _, j, k in cells]

    def gradients(loss):
        model.zero_grad()
        loss.backward()
        return [parameter.grad.clone() for parameter in model.parameters()]

    found = gradients(log_likelihoods(model, pack(contexts[:2], [blocks[:2], blocks[2:]])).sum())
    wanted = gradients(
        sum(full_pass(model, contexts[i], script.stems[j], script.beginnings[j][k]) for i, j, k in cells)
    )
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-4)


def check_gss_items(gss, folder, told, asked):
    """Compare scores after so many answers with those without a prefix cache, and with full passes."""
    items = Vocabulary.fit(gss.schema, gss.values, n_bins=24).items
    answers = np.column_stack([item.encode(gss.values[:, j]) for j, item in enumerate(items)])[: len(asked)]
    script = Script.make(items, transformers.AutoTokenizer.from_pretrained(folder))
    if (folder / "model.safetensors").is_file():
        model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    else:
        model = random_model(vocab_size=32000, max_position_embeddings=4096, initializer_range=0.1)
    order = np.random.default_rng(0).permutation(24)
    known = np.where(asked, -1, answers)
    contexts = [script.context(own, [j for j in order if own[j] >= 0][:told]) for own in known]
    found = option_log_probabilities(model, script, contexts, asked)
    assert_same(found, full_passes(model, script, contexts, asked))
    for j, own in enumerate(found):
        question = [Block.make(script.stems[j], script.beginnings[j])]
        for i, scores in zip(np.flatnonzero(asked[:, j]), own, strict=True):
            with torch.no_grad():
                packed = log_likelihoods(model, pack([contexts[i]], [question]))
            np.testing.assert_allclose(scores, packed, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ["stories260K", "llama2-tokenizer"])
def test_several_gss_items_with_real_weights_and_the_real_tokenizer(shared, gss, name):
    asked = np.zeros((2, 24), dtype=bool)
    asked[0, [7, 10]] = asked[1, [16, 22]] = True
    check_gss_items(gss, shared / "models" / name, 6, asked)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "told"), [("stories260K", 10), ("llama2-tokenizer", 24)])
def test_every_option_of_every_core_item(shared, gss, name, told):
    asked = np.stack([np.arange(24) % 2 == 0, np.arange(24) % 2 == 1, np.arange(24) >= 0])
    check_gss_items(gss, shared / "models" / name, told, asked)


@pytest.mark.parametrize(("name", "wanted"), [("smollm2-135m", 32_768), ("llama2-7b", 7_629), ("llama2-13b", 4_882)])
def test_a_gpu_reads_more_at_once_as_far_as_four_gigabytes_of_keys_and_values_go(name, wanted):
    config = transformers.AutoConfig.for_model(**IMPUTERS[name].sizes)
    assert tokens_at_once(config, "cuda") == wanted
    assert tokens_at_once(config, "cpu") == 4096
