"""Language models in GGUF, the single-file format of llama.cpp: turned once into what transformers loads fast.

The format is that of https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Quantised weights become the numbers
that they stand for.
"""

import logging
import struct
from dataclasses import dataclass
from io import SEEK_CUR, BufferedReader
from math import prod
from pathlib import Path
from typing import Any

import psutil

from datasets.errors import InputError, MethodUnavailableError
from imputers.shared.kept import find, keep
from imputers.shared.packaged import PACKAGED, Packaged, check, locate, sha256, unzipped
from imputers.shared.weights import LARGE, PACKAGES, check_packages, readable

logger = logging.getLogger(__name__)

FAMILIES = ("llama", "mistral", "qwen2", "qwen3")  # a Mistral 7B calls itself a llama
NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
TEXT, ARRAY = 8, 9
TOKENS = "tokenizer.ggml.tokens"
LONGEST = 2**24  # bytes of a text: what claims more is damaged
WORKING = 10  # bytes of memory for each weight while they are turned


@dataclass(frozen=True)
class Header:
    """What a file says of itself.

    Parameters
    ----------
    family : of the network.
    n_parameters : number of weights.
    has_tokens : whether its tokenizer is in it.
    """

    family: str
    n_parameters: int
    has_tokens: bool


def folder_of(model: str) -> Path | None:
    """Folder of a model that packages carry or a GGUF file holds, made if need be; None if it is neither.

    Raises
    ------
    MethodUnavailableError
        If package, file, memory or room is wanting, or the package's file is another than it should be.
    InputError
        If the file is none of a language model that can be used.
    """
    packaged = PACKAGED.get(model)
    if packaged is not None:
        return _carried(model, packaged)
    if not model.endswith(".gguf"):
        return None
    path = Path(model).expanduser()
    if not path.is_file():
        raise MethodUnavailableError(f"{path} does not exist; give the path of a GGUF file, or the folder of a model")
    return _turned(path, sha256(path), model)


def _carried(model: str, packaged: Packaged) -> Path:
    """Folder of a model that packages carry."""
    if packaged.is_zip:
        return unzipped(model, packaged)
    found = find(packaged.sha256)
    return found or _turned(locate(model, packaged)[0], packaged.sha256, model)


def _turned(path: Path, digest: str, model: str) -> Path:
    """The folder of a file's model, named by the file's sha256."""
    found = find(digest)
    if found is not None:
        return found
    if model in PACKAGED:
        check(model, PACKAGED[model], path)
    header = read_header(path)
    if header.family not in FAMILIES:
        raise InputError(
            f"{path} holds a model of the family {header.family!r}; take one of the Llama, Mistral or Qwen family "
            f"({', '.join(FAMILIES)})"
        )
    if not header.has_tokens:
        raise InputError(f"{path} holds no tokenizer; take a GGUF file of the whole model, which has one")
    free = psutil.virtual_memory().available
    if free < WORKING * header.n_parameters:
        raise MethodUnavailableError(
            f"{path} has {header.n_parameters / 1e9:.1f} billion weights; to read them once takes "
            f"{WORKING * header.n_parameters / 1e9:.0f} GB of memory, and {free / 1e9:.0f} GB are free: make room, or "
            "take a smaller model"
        )
    return keep(digest, lambda folder: _convert(path, header, folder))


def _convert(path: Path, header: Header, folder: Path) -> None:
    """Write config.json, tokenizer and safetensors into a folder."""
    check_packages(str(path), (*PACKAGES, "gguf"))
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    logger.info("%s is turned into safetensors once, in %s", path.name, folder.parent)
    place, how = str(path.parent), {"gguf_file": path.name, "local_files_only": True, "trust_remote_code": False}
    with readable(str(path), path.parent, "tokenizer"):
        AutoTokenizer.from_pretrained(place, **how).save_pretrained(folder)
    with readable(str(path), path.parent, "weights"):
        dtype = torch.bfloat16 if header.n_parameters >= LARGE else torch.float32
        read = AutoModelForCausalLM.from_pretrained(place, dtype=dtype, **how)
    settings = {name: value for name, value in read.config.to_dict().items() if name != "quantization_config"}
    with torch.device("meta"):  # a model that was read from GGUF cannot be saved; one of its shape that takes over can
        plain = type(read)(type(read.config)(**settings))
    plain.load_state_dict(read.state_dict(), assign=True)
    plain.tie_weights()
    plain.save_pretrained(folder)


def read_header(path: Path) -> Header:
    """What a file says of itself, without its tokens and weights.

    Ours, as the reader of the package gguf, which goes through every token, takes seconds.

    Raises
    ------
    InputError
        If it is no GGUF file, or ends within its header.
    """
    try:
        with path.open("rb") as file:
            return _header(file)
    except (struct.error, KeyError, ValueError) as broken:  # ValueError is a text or a length that cannot be
        raise InputError(f"{path} is no GGUF file that can be read, or a part of one; get it again") from broken


def _header(file: BufferedReader) -> Header:
    magic, version, n_tensors, n_facts = struct.unpack("<4sIQQ", file.read(24))
    if magic != b"GGUF" or version not in (2, 3):
        raise struct.error
    facts = dict(_fact(file) for _ in range(n_facts))
    sizes = [_tensor_size(file) for _ in range(n_tensors)]
    return Header(str(facts["general.architecture"]), sum(sizes), TOKENS in facts)


def _fact(file: BufferedReader) -> tuple[str, Any]:
    """Name and value of the next fact; of an array its length alone."""
    name, kind = _text(file), _number(file, "I")
    if kind == TEXT:
        return name, _text(file)
    if kind != ARRAY:
        return name, _number(file, NUMBERS[kind])
    of, length = _number(file, "I"), _number(file, "Q")
    if of == TEXT:
        for _ in range(length):
            _text(file)
    else:
        file.seek(length * struct.calcsize(NUMBERS[of]), SEEK_CUR)
    return name, length


def _tensor_size(file: BufferedReader) -> int:
    """Number of weights of the next tensor."""
    _text(file)
    sizes = [_number(file, "Q") for _ in range(_number(file, "I"))]
    file.seek(12, SEEK_CUR)  # how its weights are packed, and where they stand
    return prod(sizes)


def _text(file: BufferedReader) -> str:
    length = _number(file, "Q")
    content = file.read(min(length, LONGEST))
    if len(content) < length:
        raise struct.error
    return content.decode()


def _number(file: BufferedReader, code: str) -> Any:  # noqa: ANN401 - whole or not, as the code says
    return struct.unpack(f"<{code}", file.read(struct.calcsize(code)))[0]
