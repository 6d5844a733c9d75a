"""Does the mirror answer as CKAN does, errors included, and refuse what it cannot do?"""

import csv
import io
import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import Client

from portail.errors import BrokenDataset
from portail.library import (
    DATE_HEADER,
    KIND_HEADER,
    Library,
    library_of_datasets,
    library_of_folder,
)
from portail.mirror import Mirror
from portail.mirror.answers import HELP
from portail.mirror.search import FACETS, _query, _searched_words, _values, words_of
from tests.helpers.places import REAL, needs_real

SERVICES = "c0cf9766-b85b-48c3-b295-34f72305aaf6"
DATASET = "3ac0d080-6149-499a-8b06-7ce5f00ec56c"
DOWNLOAD = f"/data/dataset/{DATASET}/resource/{SERVICES}/download/service.csv"


@pytest.fixture(scope="module")
def client():
    return Client(Mirror(library_of_datasets()))


def result(client, action: str, **parameters):
    answer = client.get(f"/data/api/action/{action}", query_string=parameters)
    assert answer.status_code == 200, answer.text
    assert answer.json["success"] is True
    return answer.json["result"]


def error(client, action: str, **parameters):
    answer = client.get(f"/data/api/action/{action}", query_string=parameters)
    assert answer.json["success"] is False
    return answer.status_code, answer.json["error"]


def test_search_finds_words_in_titles_in_either_language_with_or_without_accents(client):
    assert result(client, "package_search", q="labour")["count"] > 0
    with_accents, without = (
        result(client, "package_search", q=word)["count"] for word in ("dépenses", "DEPENSES")
    )
    assert with_accents == without > 0


def test_every_word_of_a_search_must_be_found(client):
    both = result(client, "package_search", q="covid vaccine")["count"]
    assert 0 < both < result(client, "package_search", q="covid")["count"]


def test_filters_are_exact(client):
    found = result(client, "package_search", fq="organization:statcan", rows=1000)
    assert {each["organization"]["name"] for each in found["results"]} == {"statcan"}
    assert result(client, "package_search", fq="organization:stat")["count"] == 0


def test_two_filters_both_hold(client):
    found = result(
        client, "package_search", fq='+organization:statcan +res_format:"CSV"', rows=1000
    )
    assert found["count"] == 513


def test_pages_follow_each_other_without_gap_or_repeat(client):
    whole = [
        each["id"] for each in result(client, "package_search", q="covid", rows=1000)["results"]
    ]
    paged = [
        each["id"]
        for start in range(0, len(whole), 100)
        for each in result(client, "package_search", q="covid", rows=100, start=start)["results"]
    ]
    assert paged == whole and len(set(whole)) == len(whole)


def test_a_page_beyond_the_end_is_empty_and_the_count_stays(client):
    found = result(client, "package_search", q="covid", start=100_000)
    assert found["results"] == [] and found["count"] > 0


def test_facets_count_what_the_search_found(client):
    facets = {"facet.field": '["organization", "type"]', "facet.limit": -1}
    found = result(client, "package_search", q="covid", **facets)
    assert sum(found["facets"]["type"].values()) == found["count"]
    first = found["search_facets"]["organization"]["items"][0]
    assert first["count"] == max(found["facets"]["organization"].values())
    assert " | " in first["display_name"]


def test_results_are_sorted_as_asked(client):
    dates = [
        each["metadata_modified"]
        for each in result(
            client, "package_search", q="covid", sort="metadata_modified asc", rows=1000
        )["results"]
    ]
    assert dates == sorted(dates)


@pytest.mark.parametrize(
    "parameters",
    [
        {"q": "hous*"},
        {"q": "a OR b"},
        {"fq": "metadata_modified:[NOW-1DAY TO NOW]"},
        {"fq": "words without a field"},
        {"sort": "color desc"},
        {"facet.field": '["color"]'},
        {"q": "color:red"},
    ],
)
def test_what_cannot_be_searched_is_refused_as_ckan_refuses(client, parameters):
    status, problem = error(client, "package_search", **parameters)
    assert status == 400 and problem["__type"] == "Search Query Error"


@pytest.mark.parametrize(
    ("action", "parameters", "field"),
    [
        ("package_search", {"rows": "many"}, "rows"),
        ("package_search", {"start": "-1"}, "start"),
        ("package_show", {}, "name_or_id"),
        ("datastore_search", {}, "resource_id"),
        ("datastore_search", {"resource_id": SERVICES, "limit": "x"}, "limit"),
        ("datastore_search", {"resource_id": SERVICES, "filters": "{"}, "filters"),
        ("datastore_search", {"resource_id": SERVICES, "filters": '{"color": "red"}'}, "filters"),
        ("datastore_search", {"resource_id": SERVICES, "sort": "color"}, "sort"),
        ("datastore_search", {"resource_id": SERVICES, "fields": "color"}, "fields"),
        ("organization_list", {"limit": "x"}, "limit"),
    ],
)
def test_a_bad_parameter_is_named_as_ckan_names_it(client, action, parameters, field):
    status, problem = error(client, action, **parameters)
    assert status == 409 and problem["__type"] == "Validation Error" and field in problem


def test_an_unknown_package_or_table_is_not_found(client):
    assert error(client, "package_show", id="nothing")[0] == 404
    assert error(client, "datastore_search", resource_id="nothing") == (
        404,
        {"__type": "Not Found Error", "message": 'Not found: Resource "nothing" was not found.'},
    )


def test_an_unknown_action_is_a_bad_request(client):
    answer = client.get("/data/api/action/package_delete")
    assert (answer.status_code, answer.json) == (
        400,
        "Bad request - Action name not known: package_delete",
    )


def test_a_package_is_shown_with_its_tables(client):
    package = result(client, "package_show", id=DATASET)
    assert {each["id"] for each in package["resources"]} >= {SERVICES}
    assert package["num_resources"] == len(package["resources"]) == 2
    assert package["title_translated"]["fr"] != package["title_translated"]["en"]


def test_the_packages_shape_is_the_real_portals(client):
    shown = result(client, "package_show", id=DATASET)
    if REAL is None:
        pytest.skip("PORTAIL_REAL does not name a folder of real portal files")
    real = json.loads(
        (REAL / "catalogue" / "package-show-open-government-api.json").read_text("utf-8")
    )["result"]
    ours = {key: value for key, value in shown.items() if key != "portail_kind"}
    assert set(ours) <= set(real), set(ours) - set(real)
    for key, value in ours.items():
        if value is not None and real[key] is not None:
            assert type(value) is type(real[key]), key


def test_rows_are_filtered_sorted_and_paged_with_their_total(client):
    filters = json.dumps({"service_type": ["INFO", "RES"], "fiscal_yr": "2023-2024"})
    first = result(
        client,
        "datastore_search",
        resource_id=SERVICES,
        filters=filters,
        limit=5,
        sort="service_id desc",
    )
    later = result(
        client,
        "datastore_search",
        resource_id=SERVICES,
        filters=filters,
        limit=5,
        offset=5,
        sort="service_id desc",
    )
    ids = [each["service_id"] for each in first["records"] + later["records"]]
    assert ids == sorted(ids, reverse=True) and first["total"] == later["total"] > 10
    assert {each["service_type"] for each in first["records"]} <= {"INFO", "RES"}
    assert first["fields"][0] == {"id": "_id", "type": "int"}


def test_a_posted_search_is_answered_too(client):
    answer = client.post(
        "/data/api/3/action/datastore_search", json={"resource_id": SERVICES, "limit": 1}
    )
    assert answer.json["result"]["total"] == 1752
    assert client.post("/data/api/3/action/datastore_search", json=[1]).status_code == 400


def test_organizations_are_listed_with_and_without_names(client):
    codes = result(client, "organization_list")
    named = result(client, "organization_list", all_fields="true", limit=1000)
    assert "statcan" in codes and len(codes) == len(named)
    assert next(each for each in named if each["name"] == "statcan")["package_count"] >= 513


def test_a_dump_has_the_datastores_row_numbers(client):
    rows = list(
        csv.DictReader(
            io.StringIO(client.get(f"/data/en/datastore/dump/{SERVICES}?limit=3&offset=2").text)
        )
    )
    assert [row["_id"] for row in rows] == ["3", "4", "5"]
    assert client.get(f"/data/en/datastore/dump/{SERVICES}?format=xml").status_code == 400
    assert client.get("/data/en/datastore/dump/nothing").status_code == 404


def test_a_download_comes_in_parts_that_join_to_the_whole(client):
    whole = client.get(DOWNLOAD).data
    parts = [
        client.get(DOWNLOAD, headers={"Range": f"bytes={at}-{at + 99_999}"})
        for at in range(0, len(whole), 100_000)
    ]
    assert {part.status_code for part in parts} == {206}
    assert b"".join(part.data for part in parts) == whole


def test_a_download_not_modified_is_not_sent_again(client):
    tag = client.get(DOWNLOAD).headers["ETag"]
    again = client.get(DOWNLOAD, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")


def test_a_range_beyond_the_end_is_refused(client):
    assert client.get(DOWNLOAD, headers={"Range": "bytes=99999999-"}).status_code == 416


def test_rows_say_their_kind_and_date(client):
    answer = client.get(DOWNLOAD)
    assert (answer.headers[KIND_HEADER], answer.headers[DATE_HEADER]) == ("snapshot", "2025-09-19")


def test_the_front_page_says_that_it_is_not_the_portal(client):
    page = client.get("/").text
    assert "It is not the\nportal" in page and "Ce n’est pas" in page and 'lang="en"' in page


def test_an_empty_library_answers_too():
    client = Client(Mirror(Library()))
    assert result(client, "package_search")["count"] == 0


@needs_real
def test_a_folder_of_real_files_is_served_by_its_list():
    client = Client(Mirror(library_of_folder(REAL)))
    assert result(client, "datastore_search", resource_id=SERVICES, limit=1)["total"] == 1752
    assert client.get(DOWNLOAD).data == (REAL / "service-inventory" / "service.csv").read_bytes()


@pytest.mark.parametrize(
    "listing",
    [
        None,
        "file,dataset_id\na.csv,1\n",
        "file,dataset_id,resource_id\n../secret.csv,1,2\n",
        "file,dataset_id,resource_id\nabsent.csv,1,2\n",
        "file,dataset_id,resource_id\n/etc/passwd,1,2\n",
    ],
)
def test_a_folder_that_cannot_be_served_is_refused_with_a_sentence(tmp_path, listing):
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "secret.csv").write_text("a\n1\n")
    (folder / "a.csv").write_text("a\n1\n")
    if listing is not None:
        (folder / "sources.csv").write_text(listing)
    with pytest.raises(BrokenDataset) as caught:
        library_of_folder(folder)
    assert str(caught.value).endswith(".")


@given(st.text())
def test_no_text_breaks_the_search(text):
    answer = Client(Mirror(Library())).get(
        "/data/api/action/package_search", query_string={"q": text, "fq": text}
    )
    assert answer.status_code in (200, 400)


def scanned(
    library, words: str, filters: dict, order: str, rows: int, start: int, facet: str
) -> bytes:
    """Return the answer of a search that goes through every record: what the mirror's index must
    come to."""
    found = [
        package
        for package in library.packages.values()
        if words_of(words) <= _searched_words(package)
        and all(
            value.casefold() in [each.casefold() for each in _values(package, name)]
            for name, value in filters.items()
        )
    ]
    for part in reversed(order.split(", ")):
        field, direction = part.split()
        found = sorted(
            found, key=lambda package: str(package.get(field) or ""), reverse=direction == "desc"
        )
    counts = Counter(value for package in found for value in dict.fromkeys(_values(package, facet)))
    ranked = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    names = (
        {code: " | ".join(both) for code, both in library.organizations.items()}
        if facet == "organization"
        else {}
    )
    items = [
        {"name": value, "display_name": names.get(value, value), "count": times}
        for value, times in ranked
    ]
    answer = {
        "count": len(found),
        "sort": order,
        "results": found[start : start + rows],
        "facets": {facet: dict(ranked)},
        "search_facets": {facet: {"title": facet, "items": items}},
    }
    return json.dumps(
        {"help": HELP + "package_search", "success": True, "result": answer}, ensure_ascii=False
    ).encode("utf-8")


@given(
    st.lists(
        st.sampled_from(["covid", "Vaccine", "canada", "données", "2021", "nowhere", "census"]),
        max_size=3,
    ),
    st.dictionaries(
        st.sampled_from(["organization", "type", "res_format", "subject"]),
        st.sampled_from(["statcan", "DATASET", "info", "csv", "hc-sc", "health_and_safety"]),
        max_size=2,
    ),
    st.lists(
        st.tuples(
            st.sampled_from(
                ["metadata_modified", "metadata_created", "title", "id", "date_published"]
            ),
            st.sampled_from(["asc", "desc"]),
        ),
        min_size=1,
        max_size=2,
    ),
    st.integers(0, 1000),
    st.integers(0, 50),
    st.sampled_from(FACETS),
)
def test_a_search_answers_byte_for_byte_as_one_that_goes_through_every_record(
    client,
    words,
    filters,
    order,
    rows,
    start,
    facet,
):
    order = ", ".join(map(" ".join, order))
    answer = client.get(
        "/data/api/action/package_search",
        query_string={
            "q": " ".join(words),
            "fq": " ".join(f"{name}:{value}" for name, value in filters.items()),
            "sort": order,
            "rows": rows,
            "start": start,
            "facet.field": json.dumps([facet]),
            "facet.limit": -1,
        },
    )
    assert answer.data == scanned(
        client.application.library, " ".join(words), filters, order, rows, start, facet
    )


@given(st.lists(st.sampled_from(["covid", "été", "Census", "2021"]), max_size=5))
def test_the_words_of_a_query_are_found_whatever_their_order(words):
    assert (
        _query(" ".join(words))[0]
        == _query(" ".join(reversed(words)))[0]
        == words_of(" ".join(words))
    )
