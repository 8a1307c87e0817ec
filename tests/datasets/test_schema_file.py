"""A written schema file reads back as the schema it was written from."""

from datasets.files.schema_file import write_schema
from datasets.files.survey_file import read_survey_file

CSV = """\
id,mood,town,wage,children
a17,never,Bath,1.50,0
b18,often,York,,2
c19,sometimes,,-2.25,1
"""


def test_what_is_written_is_read_back(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(CSV, encoding="utf-8")
    (tmp_path / "ignore.toml").write_text('[id]\nkind = "ignore"\n', encoding="utf-8")
    first = read_survey_file(path, tmp_path / "ignore.toml")
    write_schema(first.dataset.schema, first.typed, first.ignored, tmp_path / "schema.toml")
    again = read_survey_file(path, tmp_path / "schema.toml")
    assert again.dataset.schema == first.dataset.schema
    assert again.dataset.fingerprint == first.dataset.fingerprint
    assert again.ignored == first.ignored == {"id": 'kind = "ignore"'}
    assert 'levels = [\n    "never",\n    "sometimes",\n    "often",\n]' in (tmp_path / "schema.toml").read_text()


def test_nothing_half_written_is_left(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(CSV, encoding="utf-8")
    read = read_survey_file(path)
    write_schema(read.dataset.schema, read.typed, read.ignored, tmp_path / "schema.toml")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.csv", "schema.toml"]
