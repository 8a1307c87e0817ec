"""Messages: whatever schema, arrays and words go in, they come out equal; whatever else comes, it is refused."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from benchmarks.wire import TYPES, pack, schema_from_json, schema_to_json, unpack
from datasets.errors import InputError
from tests.schemas import schemas

ARRAYS = st.dictionaries(
    st.text(max_size=8),
    st.sampled_from(TYPES).flatmap(lambda kind: arrays.arrays(kind, arrays.array_shapes(min_dims=1, min_side=0))),
    max_size=4,
)
WORDS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(schema=schemas())
def test_any_schema_comes_through_equal(schema):
    assert schema_from_json(json.loads(json.dumps(schema_to_json(schema)))) == schema


@settings(max_examples=60, deadline=None, derandomize=True)
@given(content=st.dictionaries(st.text(max_size=5), WORDS, max_size=4), sent=ARRAYS)
def test_any_content_comes_through_equal(content, sent):
    told, received = unpack(pack(content, sent))
    assert told == content and received.keys() == sent.keys()
    for name, array in sent.items():
        assert received[name].dtype == array.dtype and received[name].tobytes() == array.tobytes()


@settings(max_examples=120, deadline=None, derandomize=True)
@given(message=st.binary(max_size=60), place=st.integers(0, 200), byte=st.integers(1, 255))
def test_anything_else_is_refused_or_read(message, place, byte):
    """Bytes at random, and a whole message with one of them changed: a sentence, or a message of the known types."""
    whole = bytearray(pack({"a": 1}, {"b": np.arange(3.0)}))
    whole[place % len(whole)] ^= byte
    for each in (message, bytes(whole)):
        try:
            _, found = unpack(each)
        except InputError as error:
            assert "no message that can be read" in str(error)
        else:
            assert all(array.dtype.str in TYPES for array in found.values())


def test_a_message_that_claims_more_than_it_holds_takes_no_memory():
    head = json.dumps({"content": {}, "arrays": {"a": ["<f8", 10**12]}}).encode()
    with pytest.raises(InputError, match="no message that can be read"):
        unpack(len(head).to_bytes(8, "big") + head)
