"""Small tables that the rules of the contract are tried on."""

from dataclasses import replace

import numpy as np

from datasets.schema import Column, Floats, Kind, Regression, Role, Schema


def example_table(n: int = 240) -> tuple[Schema, Floats]:
    """A table (n, 6) of mixed kinds with holes, small enough that every method fills it in seconds."""
    rng = np.random.default_rng(0)
    trait = rng.normal(size=n)

    def cut(noise: float, levels: int) -> Floats:
        score = trait + noise * rng.normal(size=n)
        return np.searchsorted(np.quantile(score, np.linspace(0, 1, levels + 1)[1:-1]), score).astype(float)

    schema = Schema(
        (
            Column("region", Kind.NOMINAL, {1.0: "north", 2.0: "south", 3.0: "west"}, role=Role.DRIVER),
            Column("age", Kind.NUMERIC, decimals=0, low=18, high=89, role=Role.DRIVER),
            Column("trust", Kind.ORDINAL, {0.0: "none", 1.0: "little", 2.0: "some", 3.0: "much"}),
            Column("party", Kind.NOMINAL, {1.0: "red", 2.0: "blue", 3.0: "green", 4.0: "never chosen"}),
            Column("income", Kind.NUMERIC, decimals=1),
            Column("vote", Kind.NOMINAL, {1.0: "yes", 2.0: "no"}),
        ),
        Regression("income", ("age", "trust", "party")),
    )
    X = np.column_stack(
        [
            rng.integers(1, 4, n),
            np.clip(np.round(50 + 15 * trait + 5 * rng.normal(size=n)), 18, 89),
            cut(0.5, 4),
            cut(1.0, 3) + 1,
            np.round(30 + 10 * trait + 5 * rng.normal(size=n), 1),
            cut(0.7, 2) + 1,
        ]
    ).astype(float)
    holes = rng.random(X.shape) < 0.2
    holes[:, :2] = False
    return schema, np.where(holes, np.nan, X)


def table_with_holes_everywhere(n: int = 240) -> tuple[Schema, Floats]:
    """The example table with holes in its first two columns as well."""
    schema, X = example_table(n)
    X[:, :2][np.random.default_rng(1).random((n, 2)) < 0.2] = np.nan
    return schema, X


def other_table(n: int = 120) -> tuple[Schema, Floats]:
    """A table of the same columns in which everything goes together otherwise: each column in an order of its own."""
    schema, X = example_table(240)
    rng = np.random.default_rng(2)
    return schema, np.column_stack([rng.permutation(codes)[:n] for codes in X.T])


def wide_table(n: int = 120, times: int = 3) -> tuple[Schema, Floats]:
    """The example table's columns, each ``times`` times with other holes: more columns than a handful."""
    schema, X = example_table(n * times)
    columns = tuple(replace(column, name=f"{column.name}{k}") for k in range(times) for column in schema)
    regression = Regression("income0", ("age0", "trust0", "party0"))
    return Schema(columns, regression), np.hstack(np.split(X, times))


def large_table(n: int = 5000) -> tuple[Schema, Floats]:
    """A table (n, 6) of a survey's length."""
    return example_table(n)
