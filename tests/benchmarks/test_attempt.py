"""The boundary: whatever code of others raises is caught, and told in text that every page can show."""

import pytest

from benchmarks.attempt import attempt, reason


class Mute(Exception):
    def __str__(self):
        raise RuntimeError


def raised(error):
    """An error as it comes back from where it was raised."""

    def work():
        raise error

    return attempt(work)


@pytest.mark.parametrize("error", [ValueError("a"), SystemExit(0), KeyboardInterrupt(), GeneratorExit(), Mute()])
def test_whatever_is_raised_comes_back(error):
    assert raised(error) is error
    assert attempt(lambda: None) is None


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Mute(), "Mute: <exception str() failed>"),
        (ValueError("a\x1b[31m\udcff b"), "ValueError: a\ufffd[31m\ufffd b"),
        (KeyError("x"), "KeyError: 'x'"),
        (StopIteration(), "StopIteration"),
    ],
)
def test_reasons_are_plain_text(error, told):
    assert reason(error) == told
    assert reason(raised(error)) == f"{told} (in test_attempt.py, line {LINE})"


def test_long_reasons_keep_their_place():
    told = reason(raised(ValueError("x" * 10_000_000)))
    assert len(told) == 2000 and told.endswith(f"x … (in test_attempt.py, line {LINE})")


LINE = raised.__code__.co_firstlineno + 4
