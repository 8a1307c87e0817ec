"""An estimand as people write it: a mean, a share, or a regression."""

import re

from datasets.errors import InputError
from datasets.schema import Kind, Schema
from metrics.estimands import Analysis, linear, logistic, mean, proportional_odds, share

FORMS = "'mean income', 'share vote = yes', 'income ~ educ + age' or 'vote = yes ~ educ + age'"


def requested(text: str, schema: Schema) -> Analysis:
    """The analysis that a text asks for: ``mean income``, ``share vote = yes``, ``income ~ educ + age``.

    A regression of an answer, ``vote = yes ~ educ``, is logistic; one of a numeric item linear, as is one of an
    ordinal item with more than ten answers, and one of fewer is of proportional odds.

    Raises
    ------
    InputError
        If it is none of these, or names a column or an answer that is not there.
    """
    outcome, _, right = (part.strip() for part in text.partition("~"))
    covariates = [name.strip() for name in right.split("+") if name.strip()]
    if covariates:
        return _regression(text, outcome, covariates, schema)
    asked = re.fullmatch(r"mean\s+(?P<item>.+)|share\s+(?P<of>.+?)\s*=\s*(?P<level>.+)", text.strip())
    if asked is None:
        raise InputError(f"estimand {text!r} cannot be read; write {FORMS}")
    if asked["item"]:
        _check_order(text, asked["item"], schema)
        return mean(asked["item"])
    schema[asked["of"]].code(asked["level"])
    return share(schema, asked["of"], asked["level"])


LONG = 10  # answers of an ordinal outcome whose codes are regressed


def _regression(text: str, outcome: str, covariates: list[str], schema: Schema) -> Analysis:
    name, equals, level = (part.strip() for part in outcome.partition("="))
    if equals:
        schema[name].code(level)
        return logistic(schema, name, level, covariates)
    _check_order(text, name, schema)
    column = schema[name]
    if column.kind is Kind.ORDINAL and len(column.levels) <= LONG:
        return proportional_odds(schema, name, covariates)
    return linear(schema, name, covariates)


def _check_order(text: str, name: str, schema: Schema) -> None:
    if schema[name].kind not in (Kind.ORDINAL, Kind.NUMERIC):
        level = next(iter(schema[name].labels.values()), "yes")
        raise InputError(f"estimand {text!r}: {name!r} has no order, so no mean; write '{name} = {level}' in its place")
