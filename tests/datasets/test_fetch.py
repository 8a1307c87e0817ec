"""Finding, downloading and unpacking a publisher's file, against a server on this machine."""

import json
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
import pytest

from datasets.errors import DataUnavailableError, InputError
from datasets.surveys import fetch, gss
from datasets.surveys.fetch import Source, locate, sha256, stata_file


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def publisher(tmp_path):
    """Folder that a server offers, and its address."""
    folder = tmp_path / "publisher"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache folder, and no environment variable."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(fetch, "cache_folder", lambda: folder)
    monkeypatch.delenv("GSS2022_PATH", raising=False)
    monkeypatch.delenv("SURVEY_PATH", raising=False)
    return folder


def source(*addresses: str) -> Source:
    return Source("the survey", "survey.dta", "SURVEY_PATH", addresses, "https://example.org")


def accept(path):
    pass


def refuse(path):
    raise InputError("wrong year")


def stata(path):
    import pyreadstat

    pyreadstat.write_dta(pd.DataFrame({"x": [1.0, 2.0]}), path)
    return path


def packed(path, *members, content=None):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in members:
            archive.writestr(member, content or b"answers" * 1000)
    return path


def test_a_download_is_kept_with_its_record(publisher, cache, tmp_path):
    folder, address = publisher
    content = stata(tmp_path / "plain.dta").read_bytes()
    packed(folder / "survey.zip", "2022/survey.dta", "2022/readme.txt", content=content)
    found = locate(source(f"{address}/survey.zip"), None, accept)
    assert found == cache / "survey.dta"
    assert found.read_bytes() == content
    record = json.loads((cache / "survey.dta.json").read_text())
    assert record["sha256"] == sha256(found)
    assert record["address"] == f"{address}/survey.zip"
    assert record["archive_sha256"] == sha256(folder / "survey.zip")
    assert sorted(path.name for path in cache.iterdir()) == ["survey.dta", "survey.dta.json"]


def test_the_second_address_is_tried_and_the_cache_serves_ever_after(publisher, cache, tmp_path):
    folder, address = publisher
    served = stata(folder / "survey.dta")
    both = source(f"{address}/gone.zip", f"{address}/survey.dta")
    assert locate(both, None, accept) == cache / "survey.dta"
    served.unlink()
    assert locate(both, None, accept) == cache / "survey.dta"


def test_nothing_is_kept_of_a_download_that_fails_its_check(publisher, cache):
    folder, address = publisher
    stata(folder / "survey.dta")
    with pytest.raises(DataUnavailableError, match=r"wrong year.*example\.org.*--data.*SURVEY_PATH"):
        locate(source(f"{address}/survey.dta"), None, refuse)
    assert not cache.exists()


def test_without_a_connection_the_message_says_what_was_tried():
    with pytest.raises(DataUnavailableError, match=r"127\.0\.0\.1:1/survey\.zip: no connection"):
        locate(source("http://127.0.0.1:1/survey.zip"), None, accept)


def test_a_given_path_comes_first_then_the_environment_then_the_cache(tmp_path, cache, monkeypatch):
    given, named = stata(tmp_path / "given.dta"), stata(tmp_path / "named.dta")
    cache.mkdir()
    stata(cache / "survey.dta")
    assert locate(source(), None, accept) == cache / "survey.dta"
    monkeypatch.setenv("SURVEY_PATH", str(named))
    assert locate(source(), None, accept) == named
    assert locate(source(), given, accept) == given


def test_a_path_that_does_not_exist_is_an_error_not_a_download(tmp_path, publisher, monkeypatch):
    folder, address = publisher
    stata(folder / "survey.dta")
    with pytest.raises(InputError, match="no such file") as caught:
        locate(source(f"{address}/survey.dta"), tmp_path / "absent.dta", accept)
    assert not isinstance(caught.value, DataUnavailableError)
    monkeypatch.setenv("SURVEY_PATH", str(tmp_path / "absent.dta"))
    with pytest.raises(InputError, match="SURVEY_PATH"):
        locate(source(f"{address}/survey.dta"), None, accept)


@pytest.mark.parametrize("member", ["../survey.dta", "a/../../survey.dta", "/tmp/survey.dta", "..\\survey.dta"])
def test_a_zip_that_names_files_outside_itself_is_refused(tmp_path, member):
    path = packed(tmp_path / "a.zip", member)
    with pytest.raises(InputError, match="outside itself"), stata_file(path, "survey.dta"):
        pass


@pytest.mark.parametrize("kept", [0.2, 0.6, 0.95])
def test_a_truncated_zip_is_refused(tmp_path, kept, shared):
    whole = (shared / "data" / "2022_stata.zip").read_bytes()
    path = tmp_path / "a.zip"
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(InputError, match="damaged"), stata_file(path, "GSS2022.dta"):
        pass


def test_a_zip_with_a_spoilt_middle_is_refused(tmp_path, shared):
    whole = bytearray((shared / "data" / "2022_stata.zip").read_bytes())
    whole[len(whole) // 2 : len(whole) // 2 + 1000] = bytes(1000)
    path = tmp_path / "a.zip"
    path.write_bytes(whole)
    with pytest.raises(InputError, match="damaged"), stata_file(path, "GSS2022.dta"):
        pass


def test_a_zip_without_a_stata_file_is_refused(tmp_path):
    path = packed(tmp_path / "a.zip", "readme.txt", "survey.sav")
    with pytest.raises(InputError, match=r"holds 0 Stata files.*readme\.txt"), stata_file(path, "survey.dta"):
        pass


def test_of_several_stata_files_the_named_one_is_taken(tmp_path):
    path = packed(tmp_path / "a.zip", "panel.dta", "2022/Survey.dta")
    with stata_file(path, "survey.dta") as found:
        unpacked = found
        assert found.name == "Survey.dta"
    assert not unpacked.exists()
    with pytest.raises(InputError, match="holds 2 Stata files"), stata_file(path, "other.dta"):
        pass


def test_the_survey_itself_is_fetched_checked_and_loaded(publisher, cache, shared, monkeypatch):
    folder, address = publisher
    (folder / "2022_stata.zip").write_bytes((shared / "data" / "2022_stata.zip").read_bytes())
    (folder / "wrong.zip").write_bytes(packed(folder / "other.zip", "GSS2022.dta").read_bytes())
    addresses = (f"{address}/wrong.zip", f"{address}/2022_stata.zip")
    monkeypatch.setattr(gss, "SOURCE", Source("GSS", "GSS2022.dta", "GSS2022_PATH", addresses, "https://example.org"))
    assert gss.fetch() == cache / "GSS2022.dta"
    assert gss.load().values.shape == (3544, 24)
