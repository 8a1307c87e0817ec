"""Text columns: they are coded like all others, have no numbers, and are mode-filled or refused, never mistaken."""

import numpy as np
import pytest

from datasets import DATASETS
from datasets.errors import DataUnavailableError, InputError
from datasets.files.survey_file import read_survey_file
from datasets.mechanisms import MECHANISMS
from datasets.mechanisms.card import mask_card
from datasets.prediction import Prediction, check_prediction, distributions, expectation, point
from datasets.schema import Column, Kind, Role, Schema
from datasets.table import Dataset, Masked
from imputers import IMPUTERS
from metrics import METRICS

CITY = Column("city", Kind.TEXT, {1.0: "ayr", 2.0: "bath", 3.0: "cork"}, role=Role.TARGET)
SIZE = Column("size", Kind.NUMERIC)
PARTY = Column("party", Kind.NOMINAL, {1.0: "red", 2.0: "blue"})
SCHEMA = Schema((SIZE, CITY, PARTY))
X = np.array([[1.0, 2.0, 1.0], [2.0, np.nan, 2.0], [3.0, 2.0, 1.0], [4.0, 3.0, np.nan]])


def test_text_has_no_numbers_and_the_columns_beside_it_keep_theirs():
    D = SCHEMA.design(X)
    assert D.shape == (4, 3)
    assert SCHEMA.blocks == (slice(0, 1), slice(1, 1), slice(1, 3))
    back = SCHEMA.undesign(D)
    assert np.isnan(back[:, 1]).all()
    assert np.array_equal(back[:, [0, 2]], X[:, [0, 2]], equal_nan=True)
    assert SCHEMA.positions(X)[:, 1].tolist() == [1, -1, 1, 2]


def test_an_answer_of_strings_is_read_as_a_vote():
    prediction = Prediction(np.array([[2.0, 1.0], [2.0, 2.0], [1.0, 2.0]]))
    check_prediction(prediction, X, SCHEMA)
    assert distributions(prediction, X, SCHEMA)[1].tolist() == [pytest.approx([1 / 3, 2 / 3, 0])]
    assert point(prediction, X, SCHEMA).tolist() == [2.0, 2.0]
    assert np.isnan(expectation(prediction, X, SCHEMA)[0])
    masked = Masked(Dataset("t", SCHEMA, np.where(np.isnan(X), 2.0, X)), np.isnan(X))
    assert METRICS["accuracy"].score(masked, prediction) == {"city": 1.0, "party": 1.0}
    assert set(METRICS["total-variation"].score(masked, prediction)) == {"party"}


def test_the_mode_fills_text_and_a_regression_refuses_it():
    fills = IMPUTERS["mean"]().fit(X, schema=SCHEMA).impute(X)
    assert fills.draws[0].tolist() == [2.0, 1.0]
    assert fills.probabilities[1].tolist() == [pytest.approx([0, 2 / 3, 1 / 3])]
    with pytest.raises(InputError, match=r"does not read text, and columns \['city'\]"):
        IMPUTERS["mice"]().fit(X, schema=SCHEMA)


@pytest.mark.parametrize("name", ["mcar", "ni"])
def test_text_can_be_hidden_and_its_mask_described(name):
    rng = np.random.default_rng(1)
    labels = {float(k): f"street {k}" for k in range(40)}
    schema = Schema((Column("size", Kind.NUMERIC, role=Role.DRIVER), Column("street", Kind.TEXT, labels)))
    table = Dataset("streets", schema, np.column_stack([rng.normal(size=200), rng.integers(0, 40, 200)]))
    hidden = MECHANISMS[name](table, 0.3, rng)
    card = mask_card(Masked(table, hidden), name, 0.3, 1)
    assert hidden.sum(axis=0).tolist() == [0, 60]
    assert card.columns[0].auc_own is None
    assert 0 < abs(card.columns[0].bias) < 0.2


def test_a_file_may_have_text_if_its_schema_says_so(tmp_path):
    file, schema = tmp_path / "places.csv", tmp_path / "schema.toml"
    rows = [f"place {k},{k % 7},{'xy'[k % 2]}" for k in range(80)]
    file.write_text("\n".join(["name,size,kind", *rows]))
    assert read_survey_file(file).ignored == {"name": "an identifier: another text in every row"}
    schema.write_text('[name]\nkind = "text"\n')
    read = read_survey_file(file, schema).dataset.schema["name"]
    assert read.kind is Kind.TEXT and read.text(1.0) == "place 0"


def test_restaurants_are_read_in_lower_case_and_round_trip(tmp_path):
    file = tmp_path / "restaurants.csv"
    file.write_text(
        "a,b,c,d,e\nArnie's,1 Main St,Paris,555,french\nBo's,2 Side St,Lyon,556,\nCy's,3 Rd,Paris,557,thai\n"
    )
    table = DATASETS["restaurant"](file)
    assert table.schema.names == ["name", "address", "city", "phone", "type"]
    assert table.schema["city"].role is Role.TARGET
    assert table.schema.text(table.values[0])["city it is in"] == "paris"
    assert np.isnan(table.values).sum() == np.isnan(table.values[1, 4]) == 1


def test_the_real_restaurants(shared):
    table = DATASETS["restaurant"](shared / "data" / "text" / "restaurant.csv")
    assert table.values.shape == (864, 5)
    assert [len(column.labels) for column in table.schema] == [776, 772, 49, 857, 83]
    for column in table.schema:
        assert [column.code(column.text(code)) for code in column.levels] == column.levels.tolist()


def test_restaurants_that_cannot_be_had(tmp_path, monkeypatch):
    monkeypatch.delenv("RESTAURANT_PATH", raising=False)
    with pytest.raises(DataUnavailableError, match="RESTAURANT_PATH"):
        DATASETS["restaurant"](None)
    with pytest.raises(InputError, match="no such file"):
        DATASETS["restaurant"](tmp_path / "none.csv")
    (tmp_path / "four.csv").write_text("a,b,c,d\n1,2,3,4\n")
    with pytest.raises(InputError, match=r"rows have \[4\] cells; wanted five"):
        DATASETS["restaurant"](tmp_path / "four.csv")
