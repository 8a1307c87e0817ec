"""The results of a page in one file: a row per score, and in the file's metadata all else that the page is made of."""

import base64
import io
import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd

from datasets.errors import InputError
from reports.facts import Manifest
from reports.results import CELL, COLUMNS, Provenance, Record, as_scored

KEY = b"imputation-benchmark"
WORDS = ("dataset", "mechanism", "setting", "imputer", "metric", "column")
NEEDED = [*COLUMNS, "metric", "column", "value", "influence"]


def to_parquet(records: Sequence[Record], manifest: Manifest) -> bytes:
    """Write records and manifest of a suite; the same ones give the same bytes, in whatever order the records come.

    Columns are those of `results.tidy`, influences as lists of 32-bit numbers; the metadata hold all else, compressed
    JSON in base 64.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(as_scored(records), preserve_index=False, schema=_schema()).replace_schema_metadata({})
    bare = (replace(record, scores=(), influences=()) for record in records)  # asdict copies each number
    cells = sorted(({**asdict(record), "scores": [], "influences": []} for record in bare), key=_order)
    about = zlib.compress(json.dumps({"manifest": manifest, "cells": cells}, allow_nan=False).encode(), 9)
    file = io.BytesIO()
    with pq.ParquetWriter(
        file,
        table.schema,
        compression="zstd",
        compression_level=19,
        use_dictionary=[*WORDS],
        use_byte_stream_split=["value", "influence.list.element"],  # numbers are a quarter smaller
        store_schema=False,
    ) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({KEY: base64.b64encode(about)})
    return file.getvalue()


def from_parquet(path: Path) -> tuple[list[Record], Manifest]:
    """Read back what `to_parquet` wrote; influences have the digits of 32-bit numbers.

    Raises
    ------
    InputError
        If the file is not there, or is not the results of a suite.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        about = json.loads(zlib.decompress(base64.b64decode((pq.read_metadata(path).metadata or {})[KEY])))
        frame = pq.read_table(path).select(NEEDED).to_pandas()
        scores = dict(iter(frame.groupby(CELL)))
        return [_record(cell, scores.get(tuple(cell[name] for name in CELL))) for cell in about["cells"]], about[
            "manifest"
        ]
    except FileNotFoundError:
        raise InputError(f"{path} is not there; a run writes results.parquet beside its page") from None
    except (OSError, pa.ArrowException, KeyError, ValueError, TypeError, zlib.error) as error:
        raise InputError(
            f"{path} is not the results.parquet of a suite ({type(error).__name__}: {error}); give the file that lies "
            "beside a page, or rank a table of your own with reports.ranking.rank"
        ) from None


def _record(cell: dict, own: pd.DataFrame | None) -> Record:
    """The record of a cell, given its description and its scores, if it has any."""
    rows = (
        [] if own is None else list(own[["metric", "column", "value", "influence"]].itertuples(index=False, name=None))
    )
    scores = tuple((metric, column, value) for metric, column, value, _ in rows)
    influences = tuple(
        (metric, column, tuple(map(float, moves))) for metric, column, _, moves in rows if moves is not None
    )
    return Record(
        **{**cell, "provenance": Provenance(**cell["provenance"]), "scores": scores, "influences": influences}
    )


def _order(cell: dict) -> tuple:
    return tuple(cell[name] for name in CELL)


def _schema() -> Any:  # noqa: ANN401 - pyarrow states no types
    import pyarrow as pa

    types = {"rate": pa.float64(), "seed": pa.int64(), "value": pa.float64(), "influence": pa.list_(pa.float32())}
    return pa.schema([(name, pa.string() if name in WORDS else types[name]) for name in NEEDED])
