"""The arithmetic of a plan against models that are really allocated, at a size that costs nothing."""

from itertools import accumulate

import numpy as np
import pytest

from datasets import DATASETS
from imputers import IMPUTERS
from imputers.llm.prompts.script import Pieces, Script
from imputers.llm.tuning.recipe import Recipe
from imputers.shared.vocabulary import Vocabulary

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
peft = pytest.importorskip("peft")

from torch.utils.flop_counter import FlopCounterMode  # noqa: E402 - these need torch

from imputers.llm import planner  # noqa: E402
from imputers.llm.planner import Batch, count, forward_flops, training_flops  # noqa: E402
from imputers.llm.scoring.packing import Block, pack  # noqa: E402
from imputers.llm.scoring.reading import log_likelihoods  # noqa: E402
from imputers.llm.workload import Prompts, Reading, read  # noqa: E402

RANK = 4
INDICES = 64  # bytes per answer, of where it stands, that are not worth a formula


def config_of(vocabulary, hidden, intermediate, layers, heads, keys, family="Llama", **settings):
    return getattr(transformers, f"{family}Config")(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=intermediate,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=keys,
        max_position_embeddings=128,
        **settings,
    )


CONFIGS = {
    "grouped": config_of(300, 64, 160, 3, 4, 2),
    "tied": config_of(301, 48, 100, 2, 6, 6, tie_word_embeddings=True),
    "wide heads": config_of(97, 32, 72, 2, 4, 2, head_dim=16),
    "biased": config_of(300, 64, 96, 2, 4, 2, family="Qwen2"),
}
PUBLISHED = {  # parameters in the safetensors files of each
    "llama2-13b": 13_015_864_320,
    "llama2-7b": 6_738_415_616,
    "llama3.1-8b": 8_030_261_248,
    "mistral-7b": 7_241_732_096,
    "qwen2.5-7b": 7_615_616_512,
    "smollm2-135m": 134_515_008,
}


@pytest.fixture(params=CONFIGS)
def config(request):
    return CONFIGS[request.param]


@pytest.fixture(scope="module")
def large():
    return declared("llama2-13b")


def declared(name):
    return count(transformers.AutoConfig.for_model(**IMPUTERS[name].sizes), 16)


def allocate(config, dtype=None, attention="sdpa"):
    config._attn_implementation = attention
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    return model.to(dtype) if dtype else model


def adapted(config, attention="sdpa"):
    """A frozen model of this size with adapters that train."""
    lora = peft.LoraConfig(r=RANK, target_modules="all-linear")
    return peft.get_peft_model(allocate(config, torch.bfloat16, attention), lora).train()


def ask(model, told=20, mixed=True):
    """A pass of training, as on a GPU if mixed: two respondents with two questions each; one's prompt is padded."""
    blocks = [Block.make((5, 6, 7), [(8, 9, 10)]), Block.make((15, 6), [(18, 9)])]
    packed = pack([tuple(range(1, told + 1)), tuple(range(1, told - 2))], [blocks, blocks])
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        return log_likelihoods(model, packed).sum()


def count_flops(work):
    """What a piece of work returns, and its floating-point operations as torch counts them."""
    with FlopCounterMode(display=False) as counter:
        result = work()
    return result, counter.get_total_flops()


BATCH = Batch(rows=2, length=32, answers=10)  # what it reads: 20 + 5 + 3 tokens and padding, but the last of answers


def bytes_saved(model, work):
    """Bytes that autograd keeps for the backward pass, without the model's own weights and counting nothing twice."""
    own = {weight.untyped_storage().data_ptr() for weight in [*model.parameters(), *model.buffers()]}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage  # held, so that its address is not given to another
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        work()
    return sum(storage.nbytes() for storage in kept.values())


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_of_the_declared_models_are_those_of_their_files(name):
    net = declared(name)
    assert net.parameters == PUBLISHED[name]
    assert planner.weight_bytes(net, "bfloat16") == 2 * PUBLISHED[name]


def test_parameters_and_adapters_are_those_of_an_allocated_model(config):
    net = count(config, RANK)
    assert net.parameters == sum(weight.numel() for weight in allocate(config).parameters())
    trained = [weight for weight in adapted(config).parameters() if weight.requires_grad]
    assert net.adapter == sum(weight.numel() for weight in trained)
    assert {weight.dtype for weight in trained} == {torch.float32}


def test_adapters_of_llama2_13b_are_counted_by_peft_alike(large):
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(large.config)
        wrapped = peft.get_peft_model(model, peft.LoraConfig(r=16, target_modules="all-linear"))
    assert wrapped.get_nb_trainable_parameters()[0] == large.adapter == 62_586_880


def test_a_step_of_adamw_allocates_the_bytes_that_are_planned():
    model = adapted(CONFIGS["biased"])
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(trained)
    ask(model).backward()
    optimiser.step()
    states = sum(value.nbytes for state in optimiser.state.values() for value in state.values())
    planned = planner.trained_bytes(count(CONFIGS["biased"], RANK))
    assert states + sum(weight.nbytes + weight.grad.nbytes for weight in trained) == planned


def test_a_step_of_adamw_on_all_weights_allocates_the_bytes_that_are_planned(config):
    model = allocate(config).train()
    optimiser = torch.optim.AdamW(model.parameters())
    ask(model, mixed=False).backward()
    optimiser.step()
    states = sum(state[moment].nbytes for state in optimiser.state.values() for moment in ("exp_avg", "exp_avg_sq"))
    planned = planner.trained_bytes(count(config, None), 4)
    assert states + sum(weight.grad.nbytes for weight in model.parameters()) == planned


@pytest.mark.parametrize(("dtype", "number"), [("bfloat16", 2), ("float32", 4)])
def test_a_cache_takes_the_bytes_that_are_planned(dtype, number):
    for config in CONFIGS.values():
        model = allocate(config, getattr(torch, dtype))
        cache = transformers.DynamicCache(config=model.config)
        with torch.no_grad():
            model(input_ids=torch.zeros(3, 7, dtype=torch.long), past_key_values=cache, use_cache=True)
        taken = sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)
        assert taken == 3 * 7 * planner.cache_bytes(count(config, RANK), number)


def test_a_token_of_llama2_13b_takes_eight_tenths_of_a_megabyte_of_cache(large):
    assert planner.cache_bytes(large) == 2 * 40 * 5120 * 2 == 819_200


def test_a_pass_keeps_the_bytes_that_are_planned(config):
    model = adapted(config)
    kept = bytes_saved(model, lambda: ask(model))
    planned = planner.kept_bytes(count(config, RANK), BATCH, redo=False)
    assert 0 <= kept - planned <= INDICES * BATCH.answers


def test_a_pass_in_which_all_weights_are_trained_keeps_the_bytes_that_are_planned(config):
    model = allocate(config).train()
    kept = bytes_saved(model, lambda: ask(model, mixed=False))
    planned = planner.kept_bytes(count(config, None), BATCH, redo=False, number=4)
    assert 0 <= kept - planned <= INDICES * BATCH.answers


def test_gradient_checkpointing_keeps_every_layers_input_alone(config):
    model = adapted(config)
    model.enable_input_require_grads()
    model.gradient_checkpointing_enable({"use_reentrant": False})
    kept = bytes_saved(model, lambda: ask(model))
    net, tokens = count(config, RANK), BATCH.rows * BATCH.length
    last_norm = tokens * 4 * (config.hidden_size + 1)  # stands outside the layers
    inputs = config.num_hidden_layers * tokens * 2 * config.hidden_size
    head = 4 * BATCH.answers * config.vocab_size
    assert 0 <= kept - last_norm - inputs - head <= INDICES * BATCH.answers
    redone = tokens * planner.layer_bytes(net) + 2 * net.adapter
    shared = 2 * tokens * (BATCH.length + 2 * net.head_width)  # mask, and sine and cosine of each position
    assert planner.kept_bytes(net, BATCH, redo=True) == inputs + redone + shared + head


@pytest.mark.parametrize(("name", "forwards"), [("grouped", 1), ("grouped", 2), ("biased", 1)])
def test_a_step_takes_the_operations_that_are_planned(name, forwards):
    net, tokens = count(CONFIGS[name], RANK), BATCH.rows * BATCH.length
    model = adapted(CONFIGS[name], attention="eager")  # torch counts operations of matrices, not of its CPU attention
    model.enable_input_require_grads()
    if forwards == 2:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    loss, forward = count_flops(lambda: ask(model))
    assert forward == forward_flops(net, tokens, BATCH.length, BATCH.answers) + 2 * tokens * net.adapter
    _, backward = count_flops(loss.backward)
    planned = training_flops(net, BATCH, forwards)
    assert forward + backward == pytest.approx(
        planned, rel=0.01 if forwards == 2 else 0
    )  # redone but for the last step


@pytest.mark.parametrize("name", ["grouped", "biased"])
def test_a_step_on_all_weights_takes_the_operations_that_are_planned(name):
    net, model = count(CONFIGS[name], None), allocate(CONFIGS[name], attention="eager").train()
    loss, forward = count_flops(lambda: ask(model, mixed=False))
    _, backward = count_flops(loss.backward)
    assert forward + backward == training_flops(net, BATCH)


@pytest.mark.parametrize("recomputed", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_peak_of_a_step_is_below_the_plan_and_not_far(recomputed):
    net = count(CONFIGS["grouped"], RANK)
    model = adapted(CONFIGS["grouped"])
    if recomputed:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    ask(model, told=200).backward()
    model.zero_grad()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        ask(model, told=200).backward()
    events = profile.profiler.kineto_results.events()
    changes = sorted((event.start_ns(), event.nbytes()) for event in events if event.name() == "[memory]")
    peak = max(accumulate(change for _, change in changes))
    batch = Batch(2, 208, 10)
    moving = 2 * 208 * planner.layer_bytes(net) + 4 * batch.answers * 300
    planned = planner.kept_bytes(net, batch, recomputed) + moving + 4 * net.adapter  # the gradients
    assert 0.6 * planned < peak <= planned


def test_four_bits_are_counted_by_hand(large):
    net = count(config_of(10, 64, 128, 1, 1, 1), RANK)
    # four matrices of 64·64 weights in 64 blocks of 64, and three of 64·128 in 128, each with one block of scales
    square, wide = 2048 + 64 + 4 * (1 + 16 + 256 + 1), 4096 + 128 + 4 * (1 + 16 + 256 + 1)
    others = 2 * (2 * 10 * 64 + 3 * 64)
    assert planner.weight_bytes(net, "4-bit") == 4 * square + 3 * wide + others
    quantised = planner.weight_bytes(large, "4-bit") - 2 * (large.parameters - large.matrices)
    assert quantised * 8 / large.matrices == pytest.approx(4 + 8 / 64 + 32 / (64 * 256), abs=1e-3)  # QLoRA, section 3
    assert (large.matrices, planner.weight_bytes(large, "4-bit") / 1e9) == (
        12_687_769_600,
        pytest.approx(7.20, abs=0.01),
    )


def alike(n=64, longest=67):
    """A survey of n people: 100 tokens of context and 60 of questions, lines of 20, examples of 67 that predict 4."""
    same = np.ones(n)
    prompts = Prompts(100 * same, 60 * same)
    return Reading(prompts, prompts, prompts, drawn=20.0, examples=longest * same, answers=4.0)


@pytest.mark.parametrize(("gpu", "rows", "reserve"), [(True, 512, 2e9), (False, 64, 0.7e9)])
def test_peaks_are_the_sums_of_their_parts(gpu, rows, reserve):
    """A GPU reads 4,096 tokens of training at once, a processor 512; when they answer, 32,768 and 4,096."""
    net = count(CONFIGS["grouped"], RANK)
    weights = 2 * net.parameters + reserve
    batch = Batch(rows, 8, 4 * rows)
    moving = 8 * rows * planner.layer_bytes(net) + 4 * 4 * rows * 300
    kept = planner.trained_bytes(net) + planner.kept_bytes(net, batch, redo=False)
    kept += 0 if gpu else 2 * 3 * 4 * rows * 8 * 8  # what each of three layers' four heads weighs all places by
    together = 32_768 if gpu else 4096
    answering = 4 * net.adapter + together * (2 * planner.cache_bytes(net) + planner.layer_bytes(net))
    assert planner.peaks(net, alike(longest=8), "bfloat16", gpu) == (weights + kept + moving, weights + answering)


def test_peaks_of_llama2_13b(large):
    """By hand, with 31 examples of 132 tokens, and 4,882 tokens in the cache; four bits save what weights they are."""
    reading = alike(longest=131)
    training, answering = planner.peaks(large, reading, "bfloat16")
    assert (training / 1e9, answering / 1e9) == (pytest.approx(32.95, abs=0.01), pytest.approx(37.52, abs=0.01))
    packed = [size + planner.weight_bytes(large, "4-bit") - 2 * large.parameters for size in (training, answering)]
    assert planner.peaks(large, reading, "4-bit") == tuple(packed)
    assert planner.peaks(large, reading, "bfloat16", gpu=False)[0] > 30e9


def test_work_is_worked_out_by_hand(large):
    tokens, flops = planner.training_work(large, alike(), Recipe())
    assert tokens == 6 * 32 * 67  # three passes through 64 people are six steps of 32
    assert flops == pytest.approx(tokens * 6 * large.matrices, rel=0.05)  # forward, again, and backward
    tokens, flops = planner.answering_work(large, alike(), 1)
    assert tokens == 64 * (100 + 60 + 20)  # a draw tells what it drew
    assert flops == forward_flops(large, tokens, 160, 64 * 60)
    tokens, _ = planner.answering_work(large, alike(), 2, n_adapters=2)
    assert tokens == 64 * (2 * 100 + 2 * 60 + 2 * 20)  # both read what is known, and each makes one of the draws
    tokens, flops = planner.checking_work(large, alike(), 3)
    assert tokens == 4 * 64 * 160 + 50 * 160  # calibration, three wordings, and 50 respondents who are timed
    assert flops == pytest.approx(forward_flops(large, tokens, 160, tokens * 60 / 160))


def test_nobody_is_asked_where_nothing_is_hidden(large):
    nobody = Prompts(np.zeros(0), np.zeros(0))
    assert planner.answering_work(large, alike()._replace(asked=nobody), 5) == (0, 0)


def test_hours_of_an_h100_at_the_shares_that_it_reached(large):
    """For a million tokens each, by the two operations that a weight and token take in a pass."""
    h100 = next(device for device in planner.DEVICES if device.name == "H100")
    training = 1e6 * 6 * large.matrices / (0.18 * h100.teraflops * 1e12)
    answering = 1e6 * 2 * large.matrices / (0.07 * h100.teraflops * 1e12)
    assert (training / 3600, answering / 3600) == (pytest.approx(0.119, abs=0.001), pytest.approx(0.102, abs=0.001))


@pytest.mark.parametrize(
    ("asked", "held"), [("auto", "bfloat16"), ("float32", "float32"), ("bfloat16", "bfloat16"), ("4-bit", "bfloat16")]
)
def test_a_core_reads_in_the_format_asked_for_or_else_its_own(asked, held, monkeypatch):
    rates = {torch.float32: 100e9, torch.bfloat16: 440e9}
    monkeypatch.setattr(planner, "fastest_precision", lambda: "bfloat16")
    monkeypatch.setattr(planner, "product_rates", lambda kind: [rates[kind]])
    core = planner.core(asked)
    assert (core.precisions, core.gigabytes) == ((held,), None)
    assert core.teraflops == rates[getattr(torch, held)] / 1e12


@pytest.fixture(scope="module")
def prompts(masked_toy):
    items = Vocabulary.fit(masked_toy.schema, masked_toy.values, 24).items
    return Script.make(items, Pieces()), np.column_stack(
        [i.encode(x) for i, x in zip(items, masked_toy.values.T, strict=True)]
    )


def test_tokens_are_those_of_the_prompts_that_are_read(prompts):
    script, answers = prompts
    reading = read(script, answers, answers < 0, Recipe(), 4096, None)
    blocks = [Block.make(*both) for both in zip(script.stems, script.beginnings, strict=True)]
    lines = [  # of a drawn answer, what the question's options have not yet read
        np.mean([len(answer) - len(beginning) + 1 for answer, beginning in zip(*own, strict=True)])
        for own in zip(script.options, script.beginnings, strict=True)
    ]
    drawn = []
    for i, row in enumerate(answers[(answers < 0).any(axis=1)]):
        holes = np.flatnonzero(row < 0)
        assert reading.asked.contexts[i] == len(script.context(row, range(len(row))))
        assert reading.asked.questions[i] == sum(len(blocks[j]) for j in holes)
        drawn.append(sum(lines[j] for j in holes))
    assert reading.drawn == pytest.approx(np.mean(drawn))
    known = [(j, k) for row in answers for j, k in enumerate(row) if k >= 0]
    option = np.mean([len(script.options[j][k]) for j, k in known])
    assert option < reading.answers < 8 * option  # one question at least, and eight at most
    opening = len(script.opening)
    assert opening < reading.examples.mean() < reading.examples.max() < opening + 2 * reading.asked.contexts.max()


def test_those_alone_are_asked_who_are_wanted_and_validation_cells_are_asked_once(prompts):
    script, answers = prompts
    holes = answers < 0
    first, second = np.flatnonzero(holes.any(axis=1))[[3, 7]]
    wanted = np.zeros_like(holes)
    wanted[first], wanted[second, holes[second].argmax()] = holes[first], True
    some, every = (read(script, answers, own, Recipe(), 4096, None) for own in (wanted, holes))
    assert some.asked.contexts.tolist() == every.asked.contexts[[3, 7]].tolist()
    assert some.asked.questions[0] == every.asked.questions[3]
    j = holes[second].argmax()
    assert some.asked.questions[1] == len(Block.make(script.stems[j], script.beginnings[j]))
    assert (some.examples == every.examples).all()
    n_cells = (answers >= 0).sum() // 10
    shortest, longest = (
        most(len(Block.make(*own)) for own in zip(script.stems, script.beginnings, strict=True)) for most in (min, max)
    )
    assert n_cells * shortest <= some.validated.questions.sum() <= n_cells * longest
    assert (some.validated.questions > 0).all()
    step = -(-len(some.validated.contexts) // 200)
    assert some.audited.contexts.tolist() == some.validated.contexts[::step].tolist()


def test_fewer_features_are_fewer_lines(prompts):
    script, answers = prompts
    two = read(script, answers, answers < 0, Recipe(), 4096, 2).asked.contexts
    longest = sorted(max(map(len, own)) for own in script.lines)[-2:]
    assert two.max() <= len(script.opening) + sum(longest)
    every = read(script, answers, answers < 0, Recipe(), 4096, None).asked.contexts
    few = (answers >= 0).sum(axis=1)[(answers < 0).any(axis=1)] <= 2
    assert (two[~few] < every[~few]).all() and (two[few] == every[few]).all()


def test_pieces_are_the_whole_text_and_equal_where_it_is():
    pieces = Pieces()
    first = pieces.encode("marital status: never married\n", add_special_tokens=False)
    assert len(first) == len(["marital", " status", ":", " never", " married", "\n"])
    assert pieces.encode("very", add_special_tokens=False) != pieces.encode(" very", add_special_tokens=False)
    assert pieces.encode("extraordinary 25", add_special_tokens=False) == [9, 10, 11, 12, 13]
    assert 0 not in pieces.encode("a b", add_special_tokens=False)  # that is the beginning of a text


@pytest.mark.parametrize("dataset", ["gss2022", "gss2022-targets"])
def test_pieces_are_about_as_many_as_tokens_of_llama_2(shared, dataset):
    from benchmarks.cells import make_mask

    masked = make_mask(DATASETS[dataset](shared / "data" / "2022_stata.zip"), "fold(1)", 0.2, 1)
    items = Vocabulary.fit(masked.schema, masked.values, 24).items
    answers = np.column_stack([item.encode(x) for item, x in zip(items, masked.values.T, strict=True)])
    llama = transformers.AutoTokenizer.from_pretrained(shared / "models" / "llama2-tokenizer")
    counted, estimated = (
        read(Script.make(items, cutter), answers[:500], answers[:500] < 0, Recipe(), 4096, None)
        for cutter in (llama, Pieces())
    )
    for name in Reading._fields:
        parts = [getattr(one, name) for one in (estimated, counted)]
        for guess, real in zip(*map(np.atleast_2d, parts), strict=True):
            assert guess.mean() == pytest.approx(real.mean(), rel=0.05), name
