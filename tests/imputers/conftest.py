"""Small tables and models of a few thousand weights, for tests that need no particular ones."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from datasets.schema import Column, Floats, Kind, Schema
from imputers.llm.prompts.script import Script
from imputers.shared.vocabulary import Positions, Vocabulary


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a Llama with random weights that reads bytes, 256 at most; nothing is downloaded."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    bytewise = Tokenizer(models.BPE({"<s>": 0} | {letter: i + 1 for i, letter in enumerate(letters)}, []))
    bytewise.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    bytewise.decoder = decoders.ByteLevel()
    config = transformers.LlamaConfig(
        vocab_size=257,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        bos_token_id=0,
        eos_token_id=0,
    )
    folder = tmp_path_factory.mktemp("tiny-llama")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        transformers.LlamaForCausalLM(config).save_pretrained(folder)
    transformers.PreTrainedTokenizerFast(tokenizer_object=bytewise, bos_token="<s>").save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Folder of a BERT with random weights that reads bytes."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = {"[PAD]": 0, "[CLS]": 1, "[SEP]": 2}
    bytewise = Tokenizer(models.BPE(words | {letter: i + 3 for i, letter in enumerate(letters)}, []))
    bytewise.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    bytewise.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", None, [("[CLS]", 1), ("[SEP]", 2)])
    config = transformers.BertConfig(
        vocab_size=259, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2
    )
    folder = tmp_path_factory.mktemp("tiny-bert")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        transformers.BertModel(config).save_pretrained(folder)
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=bytewise, pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="session")
def tiny_table() -> tuple[Vocabulary, Positions]:
    """Answers to four questions by 128 people, as numbers (128, 4), a tenth unknown; the second repeats the first."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, size=(128, 4)).astype(float)
    X[:, 1] = X[:, 0]
    X[rng.random(X.shape) < 0.1] = np.nan
    schema = Schema(tuple(Column(name, Kind.NOMINAL, {0.0: "no", 1.0: "yes"}) for name in "abcd"))
    vocabulary = Vocabulary.fit(schema, X, 5)
    return vocabulary, vocabulary.answers(X)


@pytest.fixture(scope="session")
def twins() -> tuple[Schema, Floats]:
    """A table (600, 4) whose first two items agree in 95 % of people, hidden together in a third of them."""
    rng = np.random.default_rng(0)
    first = rng.integers(0, 2, 600)
    second = np.where(rng.random(600) < 0.95, first, 1 - first)
    scale = np.clip(rng.integers(1, 5, 600), 1, 4)
    age = np.round(20 + 10 * scale + 5 * rng.normal(size=600))
    yes_no = {0.0: "no", 1.0: "yes"}
    schema = Schema(
        (
            Column("first", Kind.NOMINAL, yes_no),
            Column("second", Kind.NOMINAL, yes_no),
            Column("scale", Kind.ORDINAL, {1.0: "a", 2.0: "b", 3.0: "c", 4.0: "d", 5.0: "never"}),
            Column("age", Kind.NUMERIC, decimals=0),
        )
    )
    X = np.column_stack([first, second, scale, age]).astype(float)
    X[:200, :2] = np.nan
    X[200:260, 2] = np.nan
    X[260:300, 3] = np.nan
    return schema, X


@pytest.fixture(scope="session")
def tiny_script(tiny_llama: Path, tiny_table: tuple[Vocabulary, Positions]) -> Script:
    """The four questions in bytes."""
    from transformers import AutoTokenizer

    return Script.make(tiny_table[0].items, AutoTokenizer.from_pretrained(tiny_llama))


@pytest.fixture(scope="session")
def breast_cancer() -> tuple[Floats, NDArray[np.bool_], Schema]:
    """Breast cancer (Wolberg 1993), standardised, with half of the cells hidden by the mask of the MIWAE notebook."""
    from sklearn.datasets import load_breast_cancer

    Z = load_breast_cancer().data
    Z = (Z - Z.mean(axis=0)) / Z.std(axis=0)
    hidden = np.zeros(Z.size, dtype=bool)
    hidden[np.random.RandomState(1234).choice(Z.size, Z.size // 2, replace=False)] = True
    return Z, hidden.reshape(Z.shape), Schema(tuple(Column(f"x{j}", Kind.NUMERIC) for j in range(Z.shape[1])))
