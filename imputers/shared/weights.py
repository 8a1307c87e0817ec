"""A causal language model and its tokenizer, from the hub or a folder: safetensors only, and never remote code."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from datasets.errors import InputError, MethodUnavailableError

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

BYTES = {"float32": 4.0, "bfloat16": 2.0, "4-bit": 0.6}  # of a parameter in memory
ROOM = 1.7  # memory wanted, in units of that of the weights: activations need the rest
LARGE = 1_000_000_000  # weights that a processor would take days to fine-tune, and whose activations a GPU recomputes
SMALL = 10_000_000  # weights below which a pass is mostly other work than products of matrices
SMALL_FILES = ["config.json", "generation_config.json", "tokenizer*", "special_tokens_map.json", "*.index.json"]
WEIGHTS = "model*.safetensors"
PACKAGES = ("torch", "transformers", "peft", "accelerate", "safetensors")


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A model with what belongs to it.

    Parameters
    ----------
    name : where it came from: id on the hub, or folder.
    model : the network, in evaluation mode, on its device; a fine-tuned one may be wrapped in an adapter.
    tokenizer : turns text into its tokens.
    precision : of the weights: ``"float32"``, ``"bfloat16"`` or ``"4-bit"``.
    weights : ``"pretrained"`` or ``"random"``.
    n_parameters : number of weights, tied ones once, however many bits they are packed in.
    """

    name: str
    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    precision: str
    weights: str
    n_parameters: int

    @property
    def device(self) -> "torch.device":
        """Where the network computes."""
        return self.model.device

    @property
    def window(self) -> int:
        """Number of tokens that it can look back on at most."""
        return int(self.model.config.get_text_config().max_position_embeddings)


def load(model: str, precision: str, weights: str, generator: "torch.Generator") -> LanguageModel:
    """Load a model on the GPU if there is one, else on the CPU.

    Parameters
    ----------
    model : a name in `imputers.shared.packaged.PACKAGED`; a folder; a GGUF file; or an id on the hub, looked up among
        the downloaded ones if the hub is out of reach.
    precision : ``"float32"``, ``"bfloat16"``, ``"4-bit"`` (NF4 with double quantisation, Dettmers et al. 2023,
        arXiv 2305.14314; GPU only), or ``"auto"``: float32 for random weights, which are all to be trained; on
        a CPU float32, or bfloat16 where `imputers.shared.processor` finds that faster; on a GPU bfloat16, or 4-bit
        where 1.7 times the weights do not fit in its free memory.
    weights : ``"pretrained"``, or ``"random"`` for fresh ones of the same shape, whose files are not needed.
    generator : source of random weights.

    Raises
    ------
    MethodUnavailableError
        If a package, the files, the permission to load them, or memory is wanting.
    InputError
        If precision or weights are unknown, do not go together, or the architecture cannot be used.
    """
    _check_choices(precision, weights)
    check_packages(model, PACKAGES)
    from transformers import AutoConfig, AutoTokenizer

    from imputers.shared.architecture import check_architecture

    folder = fetch(model, SMALL_FILES)
    with readable(model, folder, "config.json"):
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    with readable(model, folder, "tokenizer"):
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    n_parameters = count_parameters(config)
    precision = choose_precision(model, n_parameters, precision, weights)
    network = _draw(config, precision, generator) if weights == "random" else _read(model, config, precision)
    check_architecture(model, network.eval(), len(tokenizer))
    return LanguageModel(model, network, tokenizer, precision, weights, n_parameters)


def obtain(model: str, precision: str, weights: str) -> None:
    """Download from the hub what `load` reads, once it is known that it fits; nothing for a model that is a file.

    Raises
    ------
    MethodUnavailableError, InputError
        As `load`.
    """
    from imputers.shared.gguf_files import folder_of

    if Path(model).expanduser().is_dir() or folder_of(model) is not None:
        return
    check_packages(model, PACKAGES)
    from transformers import AutoConfig

    folder = fetch(model, SMALL_FILES)
    with readable(model, folder, "config.json"):
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    choose_precision(model, count_parameters(config), precision, weights)
    if weights == "pretrained":
        fetch(model, [*SMALL_FILES, WEIGHTS])


def count_parameters(config: "PretrainedConfig") -> int:
    """Number of weights of a model of this shape, tied ones once; no memory is taken for them."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        network = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    return sum(parameter.numel() for parameter in network.parameters())


def choose_precision(model: str, n_parameters: int, precision: str, weights: str) -> str:
    """Settle ``"auto"`` and see that the weights fit in the free memory of the GPU or, without one, of the machine.

    Raises
    ------
    MethodUnavailableError
        If they do not fit, or 4-bit is asked for without a GPU or without bitsandbytes.
    """
    import torch

    from imputers.shared.processor import fastest_precision

    on_gpu = torch.cuda.is_available()
    free = torch.cuda.mem_get_info()[0] if on_gpu else psutil.virtual_memory().available
    if precision == "auto" and not on_gpu and n_parameters >= LARGE:
        raise MethodUnavailableError(
            f"{model} has {n_parameters / 1e9:.1f} billion weights and needs a CUDA GPU, which is not here; run it "
            f"where there is one ({_wants(n_parameters)}; see `python -m benchmarks plan`), or take a smaller model; "
            "precision='float32' insists on the processor"
        )
    if precision == "auto":
        short = free < ROOM * BYTES["bfloat16"] * n_parameters
        precision = "4-bit" if short else "bfloat16"
        if weights == "random" or (n_parameters < SMALL and not on_gpu):
            precision = "float32"
        elif not on_gpu:
            precision = fastest_precision()
    if precision == "4-bit" and not on_gpu:
        raise MethodUnavailableError(f"{model} in 4-bit needs a CUDA GPU, and there is none; take precision='auto'")
    if precision == "4-bit":
        check_packages(f"{model} in 4-bit", ("bitsandbytes",))
    needed = BYTES[precision] * n_parameters
    if free < needed:
        place = "GPU" if on_gpu else "main"
        raise MethodUnavailableError(
            f"{model} has {n_parameters / 1e9:.1f} billion weights, which take {needed / 1e9:.0f} GB of {place} memory "
            f"in {precision}, and {free / 1e9:.0f} GB are free; run it on a {'larger' if on_gpu else 'CUDA'} GPU "
            f"({_wants(n_parameters)}), or take a smaller model"
        )
    return precision


def _wants(n_parameters: int) -> str:
    billions = n_parameters / 1e9
    return f"bfloat16 wants {ROOM * BYTES['bfloat16'] * billions:.0f} GB, 4-bit {BYTES['4-bit'] * billions + 17:.0f} GB"


def check_packages(who: str, names: tuple[str, ...]) -> None:
    """See that packages are installed, without importing them.

    Raises
    ------
    MethodUnavailableError
        If some are not.
    """
    absent = [name for name in names if find_spec(name) is None]
    if absent:
        raise MethodUnavailableError(
            f"{who} needs the packages {absent}, which are not installed here; pip install {' '.join(absent)}"
        )


def _check_choices(precision: str, weights: str) -> None:
    if precision not in ("auto", *BYTES):
        raise InputError(f"precision is {precision!r}; take one of {['auto', *BYTES]}")
    if weights not in ("pretrained", "random"):
        raise InputError(f"weights is {weights!r}; take 'pretrained' or 'random'")
    if (precision, weights) == ("4-bit", "random"):
        raise InputError("random weights are all to be trained and 4-bit ones cannot be; take precision='auto'")


def fetch(model: str, files: list[str]) -> Path:
    """Folder with these files, downloaded if they are not on this machine; a local folder is returned as it is.

    A GGUF file, and one that an installed package carries, is turned into a folder first; see `gguf_files.folder_of`.

    Raises
    ------
    MethodUnavailableError
        If they are not here and cannot be had from the hub.
    InputError
        If a GGUF file is none of a language model that can be used.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HTTPError

    from imputers.shared.gguf_files import folder_of

    if Path(model).expanduser().is_dir():
        return Path(model).expanduser()
    turned = folder_of(model)
    if turned is not None:
        return turned
    try:
        return Path(snapshot_download(model, allow_patterns=files))
    except GatedRepoError as closed:
        raise MethodUnavailableError(
            f"{model} is open to those who accept its licence on https://huggingface.co/{model}: do so, then run "
            "`hf auth login` or set HF_TOKEN; or pass model='/path/to/folder' that holds it"
        ) from closed
    # OSError and HTTPError are every refusal of hub and network; ValueError is a name that cannot be on the hub
    except (OSError, HTTPError, ValueError) as absent:
        raise MethodUnavailableError(
            f"{model} is neither a folder nor among the models downloaded to this machine, and could not be had "
            f"from huggingface.co ({type(absent).__name__}); connect and run `hf auth login` or set HF_TOKEN, or "
            "pass model='/path/to/folder' that holds config.json, the tokenizer and *.safetensors"
        ) from absent


@contextmanager
def readable(model: str, folder: Path, what: str) -> Iterator[None]:
    """While a part of a model is read from its folder, turn what transformers raises into one sentence.

    Raises
    ------
    MethodUnavailableError
        If the part is absent or cannot be read.
    """
    try:
        yield
    except (OSError, ValueError) as wrong:
        raise MethodUnavailableError(
            f"{model} has no {what} in {folder} that the installed transformers can read without running code that "
            f"comes with the model; put it there or take another model ({' '.join(str(wrong).split())[:200]})"
        ) from wrong


def _read(model: str, config: "PretrainedConfig", precision: str) -> "PreTrainedModel":
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    from imputers.shared.attention import fastest_attention

    folder = fetch(model, [*SMALL_FILES, WEIGHTS])
    if not any(folder.glob("*.safetensors")):
        raise MethodUnavailableError(
            f"{folder} has no *.safetensors, and other kinds of weights can run code when they are read; convert them "
            "where you trust them, by AutoModelForCausalLM.from_pretrained(…).save_pretrained(…)"
        )
    bits = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    return AutoModelForCausalLM.from_pretrained(
        folder,
        config=config,
        dtype=torch.float32 if precision == "float32" else torch.bfloat16,
        quantization_config=bits if precision == "4-bit" else None,
        attn_implementation=fastest_attention(),
        device_map={"": "cuda" if torch.cuda.is_available() else "cpu"},
        use_safetensors=True,
        trust_remote_code=False,
        local_files_only=True,
    )


def _draw(config: "PretrainedConfig", precision: str, generator: "torch.Generator") -> "PreTrainedModel":
    import torch
    from transformers import AutoModelForCausalLM

    from imputers.shared.attention import fastest_attention
    from imputers.shared.randomness import seed_from, seeded

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with seeded(seed_from(generator), device), device:
        return AutoModelForCausalLM.from_config(
            config,
            dtype=torch.float32 if precision == "float32" else torch.bfloat16,
            attn_implementation=fastest_attention(),
            trust_remote_code=False,
        )
