"""The real survey: the core table against its documented counts, and refusal of files that are not it."""

import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from datasets.errors import InputError
from datasets.schema import Kind, Role
from datasets.surveys import gss as survey
from datasets.table import Dataset, Reason

# Shares missing, published with the file. Of partyid .010 has no answer, and 106 of 3544 are off the scale.
# fmt: off
MISSING = {
    "age": 0.059, "sex": 0.006, "race": 0.015, "region": 0, "income16": 0.123, "educ": 0.006, "letin1a": 0.029,
    "finrela": 0.012, "marhomo": 0.349, "degree": 0, "marital": 0.004, "childs": 0.003, "wrkstat": 0.002,
    "class": 0.01, "satfin": 0.005, "health": 0.001, "happy": 0.007, "relig": 0.017, "attend": 0.01,
    "partyid": 0.04, "polviews": 0.033, "cappun": 0.058, "homosex": 0.365, "vote20": 0.063,
}
# fmt: on
CORE = list(MISSING)
INCOME = [
    39,
    33,
    18,
    11,
    16,
    14,
    16,
    40,
    104,
    83,
    64,
    51,
    92,
    100,
    129,
    162,
    152,
    211,
    239,
    304,
    240,
    249,
    169,
    147,
    97,
]
INCOME += [330]  # codebook of 1972-2022, year 2022, main cross-section


def test_the_core_table_has_its_24_variables_in_order(gss: Dataset):
    assert gss.schema.names == CORE
    assert gss.values.shape == (3544, 24)
    assert [gss.schema.names[j] for j in gss.schema.having(Role.DRIVER)] == CORE[:4]
    assert [gss.schema.names[j] for j in gss.schema.having(Role.TARGET)] == CORE[4:9]


def test_kinds_and_levels(gss: Dataset):
    assert Counter(column.kind for column in gss.schema) == {Kind.NUMERIC: 3, Kind.NOMINAL: 8, Kind.ORDINAL: 13}
    assert {column.name for column in gss.schema if column.kind is Kind.NUMERIC} == {"age", "educ", "childs"}
    assert len(gss.schema["income16"].labels) == 26
    assert len(gss.schema["relig"].labels) == 13
    assert gss.schema["degree"].levels.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("name", CORE)
def test_share_missing_is_the_published_one(gss: Dataset, name: str):
    share = np.isnan(gss.values[:, gss.schema.index(name)]).mean()
    assert share == pytest.approx(MISSING[name], abs=0.00055)


def test_counts_of_income_are_those_of_the_codebook(gss: Dataset):
    income = gss.values[:, gss.schema.index("income16")]
    assert [int((income == code).sum()) for code in range(1, 27)] == INCOME


def test_the_reason_of_every_missing_income_is_kept(gss: Dataset):
    reasons = gss.reasons[:, gss.schema.index("income16")]
    found = {reason: int((reasons == reason).sum()) for reason in Reason if (reasons == reason).any()}
    assert found == {Reason.OBSERVED: 3110, Reason.DONT_KNOW: 268, Reason.REFUSED: 132, Reason.SKIPPED: 34}


def test_a_third_was_not_asked_about_homosexuality(gss: Dataset):
    for name in ("homosex", "marhomo"):
        assert (gss.reasons[:, gss.schema.index(name)] == Reason.NOT_ASKED).sum() == 1203


def test_other_party_is_off_the_scale(gss: Dataset):
    j = gss.schema.index("partyid")
    assert (gss.reasons[:, j] == Reason.OFF_SCALE).sum() == 106
    assert gss.schema["partyid"].levels.tolist() == [0, 1, 2, 3, 4, 5, 6]


def test_text_and_code_are_inverse_on_every_column(gss: Dataset):
    for j, column in enumerate(gss.schema):
        seen = np.unique(gss.values[~np.isnan(gss.values[:, j]), j])
        codes = np.union1d(seen, column.levels)
        assert [column.code(column.text(code)) for code in codes] == codes.tolist()


def test_labels_and_questions_come_from_the_file(gss: Dataset):
    assert gss.schema["finrela"].text(3) == "average"
    assert gss.schema["age"].question == "age of respondent"


def test_weights_and_design_travel_along(gss: Dataset):
    assert gss.weights.sum() == pytest.approx(3544, rel=0.01)  # NORC's weights average one
    assert len(np.unique(gss.strata)) == 66
    assert set(gss.psu) == {1, 2}


def test_origin_tells_the_file_itself_whether_zipped_or_not(gss: Dataset, tmp_path, shared):
    with survey.stata_file(shared / "data" / "2022_stata.zip", "GSS2022.dta") as file:
        plain = tmp_path / "renamed.dta"
        plain.write_bytes(file.read_bytes())
    again = survey.load(plain)
    assert again.origin["sha256"] == gss.origin["sha256"]
    assert again.fingerprint == gss.fingerprint


def test_midpoints_lie_in_the_middle_of_the_labelled_brackets(gss: Dataset):
    lows = [0.0] + [
        float(re.search(r"\$([\d,]+)", label)[1].replace(",", ""))
        for label in list(gss.schema["income16"].labels.values())[1:]
    ]
    middles = [(low + following) / 2 for low, following in pairwise(lows)]
    assert list(survey.income_midpoints().values())[:-1] == middles


def test_midpoints_are_norcs_up_to_one_deflator(shared):
    table = survey.gss_table(shared / "data" / "2022_stata.zip", ["income16", "coninc"])
    income, constant = table.values[~np.isnan(table.values).any(axis=1)].T
    dollars = np.vectorize(survey.income_midpoints().__getitem__)(income)
    assert constant / dollars == pytest.approx(0.633, rel=2e-6)


def test_any_variables_of_the_file_make_a_table(shared):
    table = survey.gss_table(shared / "data" / "2022_stata.zip", ["immjobs", "sibs", "zodiac", "partyid", "abany"])
    kinds = [str(column.kind) for column in table.schema]
    assert kinds == ["ordinal", "numeric", "nominal", "ordinal", "nominal"]
    assert len(table.schema["partyid"].labels) == 7


def test_an_unknown_variable_is_named(shared):
    with pytest.raises(InputError, match="incom17"):
        survey.gss_table(shared / "data" / "2022_stata.zip", ["income16", "incom17"])


def write(path, **changes):
    import pyreadstat

    facts = survey.variables()
    frame = pd.DataFrame({name: np.ones(5) for name in [*facts["variables"], "year", "wtssnrps", "vstrat", "vpsu"]})
    frame["year"] = 2022.0
    frame = frame.assign(**changes).drop(columns=[name for name, value in changes.items() if value is None])
    pyreadstat.write_dta(frame, path)
    return path


def test_another_year_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"2018.*wanted the survey of 2022"):
        survey.load(write(tmp_path / "a.dta", year=2018.0))


def test_a_lacking_column_is_named(tmp_path):
    with pytest.raises(InputError, match=r"lacks the columns \['polviews'\]"):
        survey.check_file(write(tmp_path / "a.dta", polviews=None))


def test_a_wrong_number_of_respondents_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"5 rows have the weight wtssnrps.*3544"):
        survey.load(write(tmp_path / "a.dta"))


def test_a_file_that_is_not_stata_is_refused(tmp_path):
    path = tmp_path / "a.dta"
    path.write_bytes(b"these are no answers" * 100)
    with pytest.raises(InputError, match="cannot be read as a Stata file"):
        survey.load(path)


def test_the_oversample_is_everybody_else(shared):
    others = survey.gss_oversample(shared / "data" / "2022_stata.zip", ["income16", "race", "hrs1"])
    assert others.values.shape == (605, 3)
    assert others.weights is None
    assert others.schema["income16"].labels == survey.load(shared / "data" / "2022_stata.zip").schema["income16"].labels
