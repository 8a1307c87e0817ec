"""Models that are fine-tuned under a name of their own."""

import pytest

from imputers import IMPUTERS
from imputers.llm.fine_tuned import FineTuned

DECLARED = [name for name in IMPUTERS if issubclass(IMPUTERS[name], FineTuned) and IMPUTERS[name].declared]


def test_there_are_six():
    assert DECLARED == ["llama2-13b", "llama2-7b", "llama3.1-8b", "mistral-7b", "qwen2.5-7b", "smollm2-135m"]


@pytest.mark.parametrize("name", DECLARED)
def test_a_declared_model_is_one_that_transformers_knows(name):
    transformers = pytest.importorskip("transformers")
    imputer = IMPUTERS[name]()
    config = transformers.AutoConfig.for_model(**imputer.sizes)
    assert {size: getattr(config, size) for size in imputer.sizes} == imputer.sizes
    assert config.hidden_size % config.num_attention_heads == 0
    assert imputer.family == "llm" and imputer.model_name() == imputer.declared and imputer.reads_text


def test_transformers_works_beside_our_package_of_the_name_datasets():
    from transformers import LlamaForCausalLM

    import datasets

    assert hasattr(datasets, "DATASETS") and LlamaForCausalLM.__name__ == "LlamaForCausalLM"
