"""The population of the twin of the General Social Survey 2022: its parameters and what follows from them exactly."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.moments import Moments
from datasets.populations import POPULATIONS
from datasets.populations.latent_class import LatentClasses, Levels, conditional_levels, indicator_moments
from datasets.populations.mixture import LatentClassPopulation
from datasets.schema import Column, Floats, Kind, Role, Schema

NAME = "gss2022-twin"
FILE = Path(__file__).with_name("twin_gss2022.npz")


@dataclass(frozen=True, eq=False)
class TwinPopulation:
    """Everything that decides a sample, see `datasets.surveys.twin.sample`.

    Parameters
    ----------
    schema : meaning of the p items.
    answers : latent classes of the answers.
    silence : latent classes of the `Reason` of each cell, 0 where answered, independent of the answers.
    split : items of the split ballot, shape (p,): all or none of them are put to a respondent.
    split_share : share of respondents to whom they are not put.
    weight_mean, weight_sd : of the logarithm of the survey weight in each class of answers, shape (K,).
    """

    schema: Schema
    answers: LatentClasses
    silence: LatentClasses
    split: NDArray[np.bool_]
    split_share: float
    weight_mean: Floats
    weight_sd: Floats


@POPULATIONS.register("gss2022-twin")
def law() -> LatentClassPopulation:
    """Latent classes of the answers to the core table of the General Social Survey 2022, and of the survey weight.

    Holes do not depend on any answer, so that they tell nothing.
    """
    truth = population()
    return LatentClassPopulation(truth.schema, truth.answers, truth.weight_mean, truth.weight_sd)


def population_moments() -> Moments:
    """Mean and covariance of the design (see `Schema.design`) in the population, in closed form."""
    truth = population()
    return _moments(truth.answers, truth.schema)


def weighted_moments() -> Moments:
    """Moments of the design that weighted sums over a sample estimate.

    Weights depend on the answers through the class alone, so weighting turns the class shares s_k into shares in
    proportion to s_k E(w | k), and E(w | k) of a log-normal is exp(mean + sd²/2).
    """
    truth = population()
    shares = truth.answers.shares * np.exp(truth.weight_mean + truth.weight_sd**2 / 2)
    return _moments(replace(truth.answers, shares=shares / shares.sum()), truth.schema)


def marginals() -> dict[str, dict[float, float]]:
    """Share of each level of each item in the population: item name to code to share."""
    truth = population()
    shares = truth.answers.shares @ truth.answers.profiles
    items = zip(truth.schema.names, truth.answers.levels.values, truth.answers.levels.blocks, strict=True)
    return {name: dict(zip(values.tolist(), shares[block].tolist(), strict=True)) for name, values, block in items}


def conditional(values: Floats) -> dict[int, Floats]:
    """Exact distribution of every hole given the observed cells of its row: the best any imputer can know.

    Parameters
    ----------
    values : codes (n, 24); NaN is a hole, natural or hidden.

    Returns
    -------
    column position to probabilities (holes of the column, K), K the levels of the item in the order of `marginals`;
    only columns with holes.
    """
    truth = population()
    truth.schema.check(values)
    return conditional_levels(truth.answers, values)


@cache
def population() -> TwinPopulation:
    """Read the parameters that ship with the package."""
    with np.load(FILE, allow_pickle=False) as arrays:
        schema = Schema(tuple(_column(entry) for entry in json.loads(str(arrays["schema"]))))
        ordered = tuple(column.kind is not Kind.NOMINAL for column in schema)
        return TwinPopulation(
            schema,
            _read_classes(arrays, "answers", ordered),
            _read_classes(arrays, "silence", (False,) * len(schema)),
            arrays["split"],
            float(arrays["split_share"]),
            arrays["weight_mean"].astype(float),
            arrays["weight_sd"].astype(float),
        )


def write(truth: TwinPopulation, path: Path) -> None:
    """Write the parameters: names, numbers in single precision, no objects; the same bytes for the same parameters."""
    np.savez_compressed(
        path,
        schema=np.array(json.dumps([_entry(column) for column in truth.schema])),
        split=truth.split,
        split_share=np.float32(truth.split_share),
        weight_mean=truth.weight_mean.astype(np.float32),
        weight_sd=truth.weight_sd.astype(np.float32),
        **_class_arrays(truth.answers, "answers"),
        **_class_arrays(truth.silence, "silence"),
    )


def _moments(model: LatentClasses, schema: Schema) -> Moments:
    """Moments of the design: those of the indicators, carried over by the design of each level."""
    scores = np.zeros((model.levels.size, schema.blocks[-1].stop))
    for column, values, rows, columns in zip(
        schema, model.levels.values, model.levels.blocks, schema.blocks, strict=True
    ):
        scores[rows, columns] = np.eye(len(values)) if column.kind is Kind.NOMINAL else values[:, None]
    mean, covariance = indicator_moments(model)
    covariance = scores.T @ covariance @ scores
    sd = np.sqrt(np.diag(covariance))
    return Moments(mean @ scores, covariance, covariance / np.outer(sd, sd), np.full(covariance.shape, np.inf))


def _class_arrays(model: LatentClasses, name: str) -> dict[str, NDArray]:
    return {
        f"{name}_values": np.concatenate(model.levels.values),
        f"{name}_counts": np.array([len(values) for values in model.levels.values]),
        f"{name}_shares": model.shares.astype(np.float32),
        f"{name}_profiles": model.profiles.astype(np.float32),
    }


def _read_classes(arrays: Mapping[str, NDArray], name: str, ordered: tuple[bool, ...]) -> LatentClasses:
    ends = np.cumsum(arrays[f"{name}_counts"])[:-1]
    levels = Levels(tuple(np.split(arrays[f"{name}_values"], ends)), ordered)
    shares = arrays[f"{name}_shares"].astype(float)
    # in double precision from here on: single precision left sums of probabilities off by 1e-7
    return LatentClasses(levels, shares / shares.sum(), levels.normalise(arrays[f"{name}_profiles"].astype(float)))


def _entry(column: Column) -> dict[str, Any]:
    facts = asdict(column) | {"labels": list(column.labels.items())}  # pairs: JSON has no numbers as keys
    del facts["missing"]  # of the survey's file, which the twin does not have
    return facts


def _column(entry: Mapping[str, Any]) -> Column:
    labels = {float(code): text for code, text in entry["labels"]}
    return Column(**{**entry, "kind": Kind(entry["kind"]), "labels": labels, "role": Role(entry["role"])})
