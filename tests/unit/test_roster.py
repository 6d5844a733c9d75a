"""Is a list of people read as it comes, and is a name matched to the one person it means, or to
nobody?"""

import contextlib
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from commons.language import use_language
from grader.intake import enrolment, roster
from grader.intake.names import fold, lms_name
from grader.intake.people import Person, Roster
from grader.intake.roster import BrokenRoster

HEADER = "id,name,email,section,language\n"
LIST = (
    HEADER
    + """s01,Élise Exemplaire,elise.exemplaire@example.ca,A,fr
s02,"Modèle, Noé",noe@example.ca,A,français
s03,Sam O'Sample,sam.osample@example.ca,B,English
"""
)


def cohort(*people: Person) -> Roster:
    return Roster({person.id: person for person in people})


def read(tmp_path, content: str | bytes, encoding: str = "utf-8") -> Roster:
    path = tmp_path / "cohort.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return roster.read(path)


ELISE = Person("s01", "Élise Exemplaire", "elise.exemplaire@example.ca", "A", "fr")
NOE = Person("s02", "Modèle, Noé", "noe@example.ca")
SAM = Person("s03", "Sam O'Sample", "sam.osample@example.ca", "B")
THREE = cohort(ELISE, NOE, SAM)


# The list


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_every_encoding_and_separator_gives_the_same_people(tmp_path, encoding, separator):
    text = LIST.replace('"Modèle, Noé"', "Noé Modèle").replace(",", separator)
    people = read(tmp_path, text, encoding).people
    assert list(people) == ["s01", "s02", "s03"]
    assert people["s01"] == ELISE
    assert [person.language for person in people.values()] == ["fr", "fr", "en"]


@pytest.mark.parametrize(
    "header",
    [
        "Identifiant;Nom;Courriel;Groupe;Langue",
        "  ID ; NAME;E-mail;Section;LANGUAGE",
        "id;nom;e-mail;GROUPE;langue",
    ],
)
def test_headers_are_read_in_either_language_and_any_case(tmp_path, header):
    person = read(
        tmp_path, f"{header}\ns01;Élise Exemplaire;elise.exemplaire@example.ca;A;fr\n"
    ).people["s01"]
    assert person == ELISE


def test_columns_come_in_any_order_and_others_are_left_out(tmp_path):
    people = read(tmp_path, "langue,ministère,nom,id\nfr,Exemples,Élise Exemplaire,s01\n").people
    assert people["s01"] == Person("s01", "Élise Exemplaire", language="fr")


def test_given_names_in_a_column_of_their_own_are_read(tmp_path):
    person = read(tmp_path, "id;prénom;nom\ns01;Anne Lise;De Modèle\n").people["s01"]
    assert person.name == "Anne Lise De Modèle" and person.names() == ("Anne Lise", "De Modèle")


def test_stray_and_invisible_blanks_and_blank_lines_are_dropped(tmp_path):
    people = read(
        tmp_path, HEADER + "\n ,, , ,\n\u00a0s01 ,\u200b Élise \u00a0 Exemplaire , , ,\n\n"
    ).people
    assert people["s01"] == Person("s01", "Élise Exemplaire")


def test_excels_own_first_line_is_no_header(tmp_path):
    assert "s01" in read(tmp_path, "sep=;\r\nid;nom\r\ns01;Élise Exemplaire\r\n").people


def test_the_same_person_twice_is_merged_with_a_notice(tmp_path):
    found = read(tmp_path, HEADER + "s01,Élise Exemplaire,,,\ns01,élise exemplaire,,,\n")
    assert list(found.people) == ["s01"]
    assert "Lines 2 and 3" in str(found.notices[0]) and "lignes 2 et 3" in found.notices[0].french


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("s01,A Sample,,,\ns01,B Sample,,,\n", "Lines 2 and 3"),
        ("s01,A Sample,a@example.ca,,\n\ns01,A Sample,b@example.ca,,\n", "Lines 2 and 4"),
        ("s01,A Sample,,,\nS01,A Sample,,,\n", "Lines 2 and 3"),  # one folder on some systems
        ("s 01,A Sample,,,\n", "Line 2: an id"),
        (".s01,A Sample,,,\n", "Line 2: an id"),
        ("=1+1,A Sample,,,\n", "an id"),
        ("../s01,A Sample,,,\n", "an id"),
        ("@s01,A Sample,,,\n", "an id"),
        ("é01,A Sample,,,\n", "an id"),
        ("s" * 65 + ",A Sample,,,\n", "an id"),
        (",A Sample,,,\n", "an id"),
        ("s01,,a@example.ca,,\n", "name is missing"),
        ("s01,---,,,\n", "name is missing"),
        ("s01,Sample, A,a@example.ca,A,fr\n", "more cells"),
        ("", "nobody"),
    ],
)
def test_what_contradicts_itself_is_an_error_that_names_the_lines(tmp_path, lines, says):
    with pytest.raises(BrokenRoster, match=says) as raised:
        read(tmp_path, HEADER + lines)
    use_language("fr")
    assert str(raised.value).startswith("La liste ")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "first line must name"),
        (b"name;email\nA;b\n", "first line must name"),
        (b"id,id,name\n1,2,A\n", "2 columns"),
        (b"id,name\ns1,\x81\x8d\x8f\n", "cannot be read"),
        (b"\xff\xfei\0d", "cannot be read"),
        (b"PK\x03\x04" + bytes(range(256)), "cannot be read|first line"),
        # How long a cell csv reads is one setting for the whole process, which other libraries
        # raise.
        (b'id,name\ns1,"' + b"A" * 200_000 + b'"\n', "cannot be read|too long"),
    ],
)
def test_what_is_no_list_is_refused_with_what_to_do(tmp_path, content, says):
    with pytest.raises(BrokenRoster, match=says):
        read(tmp_path, content)


def test_a_list_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BrokenRoster, match="cannot be opened"):
        roster.read(tmp_path / "none.csv")


def test_an_address_that_would_be_a_formula_is_left_out_and_told(tmp_path):
    found = read(tmp_path, HEADER + 's01,A Sample,"=HYPERLINK(""x"")@example.ca",,klingon\n')
    assert found.people["s01"] == Person("s01", "A Sample")
    assert len(found.notices) == 2 and all("Line 2" in notice.english for notice in found.notices)


def test_a_shared_address_is_told(tmp_path):
    found = read(
        tmp_path, HEADER + "s01,A Sample,one@example.ca,,\ns02,B Sample,One@example.ca,,\n"
    )
    assert "2 people share the address one@example.ca" in found.notices[0].english


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("Noé Modèle", ("Noé", "Modèle")),
        ("Modèle, Noé", ("Noé", "Modèle")),
        ("Anne Lise Modèle", ("Anne Lise", "Modèle")),
        ("Noé de la Modèle", ("Noé", "de la Modèle")),
        ("Noé MODÈLE EXEMPLE", ("Noé", "MODÈLE EXEMPLE")),
        ("Modèle", ("", "Modèle")),
        ("De Modèle", ("De", "Modèle")),
    ],
)
def test_names_are_split_sensibly(name, split):
    assert Person("s01", name).names() == split


@given(st.binary(max_size=400))
def test_any_bytes_are_a_list_or_a_broken_list(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "cohort.csv"
    path.write_bytes(content)
    with contextlib.suppress(BrokenRoster):
        assert roster.read(path).people


# The match


@pytest.mark.parametrize(
    "text",
    [
        "s01",
        "S01",
        "elise.exemplaire@example.ca",
        "elise.exemplaire",
        "Élise Exemplaire",
        "Exemplaire Élise",
        "Exemplaire, Élise",
        "elise_exemplaire",
        "ELISE-EXEMPLAIRE",
        "exemplaire.elise",
        "ExemplaireElise",
        "eliseexemplaire",
        unicodedata.normalize("NFD", "Élise Exemplaire"),
        "Élise Exemplaire (s01)",
        "s01_Élise_Exemplaire_final",
        "Élise Exemplaire - version 2",
        "A-Élise Exemplaire",
        "Élise Exemplaire v3",
        "Elise Exemplaire elise.exemplaire@example.ca",
        "Élise Exemplaire_1234567_assignsubmission_file_",
        "Élise Exemplaire_1234567_assignsubmission_file_notebook.ipynb",
        "A-Élise Exemplaire_1234567_assignsubmission_file",
        "12345-67890 - Élise Exemplaire - Nov 24, 2026 904 AM",
        "12345-67890 - Élise Exemplaire - Nov 24, 2026 904 AM - notebook.ipynb",
        "exemplaireélise_LATE_12345_67890_notebook-1.ipynb",
        "exemplaireelise_12345_67890_notebook.ipynb",
    ],
)
def test_a_person_is_found_however_the_name_is_written(text):
    assert THREE.match(text) == ELISE


@pytest.mark.parametrize(
    "text", ["noe", "noé_modèle", "Modele Noe", "noe@example.ca", "modèlenoé_1_2_x.ipynb"]
)
def test_a_name_with_a_comma_in_the_list_is_found_too(text):
    assert THREE.match(text) == NOE


@pytest.mark.parametrize(
    "text", ["O'Sample Sam", "OSample_Sam", "o’sample-sam", "osamplesam_1_2_x.ipynb"]
)
def test_an_apostrophe_may_be_written_or_not(text):
    assert THREE.match(text) == SAM


@pytest.mark.parametrize(
    "text",
    [
        "",
        "notebook",
        "Nobody Here",
        "Élise",
        "Exemplaire",
        "s0",
        "s011",
        "example.ca",
        "2026",
        "_-_",
    ],
)
def test_a_part_of_a_name_means_nobody(text):
    assert THREE.match(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "Anne Élise Exemplaire",
        "Élise Exemplaire-Autre",
        "Marie Élise Exemplaire_77_assignsubmission_file_",
    ],
)
def test_a_name_that_says_more_is_only_a_candidate(text):
    assert THREE.match(text) == (ELISE,)


def test_two_people_in_one_name_are_both_candidates():
    assert THREE.match("Élise Exemplaire s02") == (ELISE, NOE)


def test_two_people_of_one_name_are_told_apart_by_id_alone():
    one, two = Person("s01", "Noé Modèle"), Person("s02", "Modèle Noé")
    twins = cohort(one, two)
    assert twins.match("Noé Modèle") == (one, two)
    assert twins.match("Noé Modèle s02") == two and twins.match("s01") == one


def test_a_number_of_the_system_decides_only_between_people_whom_the_name_fits():
    one, two, three = (
        Person("1001", "Noé Modèle"),
        Person("1002", "Noé Modèle"),
        Person("1003", "Élise Exemplaire"),
    )
    people = cohort(one, two, three)
    assert people.match("Noé Modèle_1002_assignsubmission_file_") == two
    assert people.match("Noé Modèle_1003_assignsubmission_file_") == (one, two)
    assert people.match("Élise Exemplaire_1001_assignsubmission_file_") == three
    assert people.match("Participant 1_1001_assignsubmission_file_") == ()


def test_a_number_that_is_somebodys_id_is_not_passed_over():
    noe, elise = Person("1001", "Noé Modèle"), Person("1003", "Élise Exemplaire")
    assert cohort(noe, elise).match("Noé Modèle 1003") == (noe, elise)
    assert cohort(noe, elise).match("Noé Modèle 1004") == noe


def test_the_part_before_the_at_sign_is_no_key_where_it_is_anothers_name():
    one, two = Person("s01", "Marie Exemplaire", "marie@example.ca"), Person("s02", "Marie Modèle")
    assert cohort(one, two).match("marie") == ()
    assert cohort(one, two).match("marie@example.ca") == one
    assert cohort(one).match("marie") == one


def test_an_id_of_few_digits_counts_where_it_stands_alone():
    seven = cohort(Person("7", "Noé Modèle"), ELISE)
    assert seven.match("7") == seven.people["7"]
    assert seven.match("devoir 7") == ()
    assert seven.match("Élise Exemplaire 7") == ELISE


def test_an_id_within_a_longer_id_does_not_count():
    one, two = Person("s1", "Noé Modèle"), Person("s1-2", "Élise Exemplaire")
    assert cohort(one, two).match("s1-2") == two
    assert cohort(one, two).match("s1_final") == one


LETTERS = "abdeéèêïôçñoßœÆøłŞİǅ"
WORDS = st.text(LETTERS, min_size=2, max_size=5)
NAMES = st.lists(WORDS, min_size=2, max_size=4).map(
    lambda words: " ".join(word.capitalize() for word in words)
)
IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{3,7}", fullmatch=True)
PEOPLE = st.lists(
    st.builds(Person, IDS, NAMES, st.just(""), st.sampled_from(["", "A"])),
    min_size=1,
    max_size=6,
    unique_by=lambda person: person.id.casefold(),
)


def turned(name: str, turn: int) -> list[str]:
    words = name.split()
    turn %= len(words)
    return words[turn:] + words[:turn]


@st.composite
def written(draw, person: Person) -> str:
    """A name as some system, or the person, might write it."""
    words = turned(person.name, draw(st.integers(0, 3)))
    plain = draw(
        st.sampled_from(
            [
                str,
                str.upper,
                str.lower,
                fold,
                lambda text: unicodedata.normalize("NFD", text),
                lambda text: unicodedata.normalize("NFC", text),
            ]
        )
    )
    name = plain(draw(st.sampled_from([" ", "_", "-", ".", ", "])).join(words))
    number = draw(st.integers(10**6, 10**8))
    return draw(
        st.sampled_from(
            [
                name,
                f"{name} - final",
                f"{name}_{person.id}",
                person.id,
                f"{name.replace('_', ' ')}_{number}_assignsubmission_file_",
                f"{number}-{number + 1} - {name} - Nov 24, 2026 904 AM",
                f"{''.join(map(plain, words)).lower()}_{number}_{number + 7}_notebook.ipynb",
                f"{''.join(words).lower()}_LATE_{number}_{number + 7}_notebook-2.ipynb",
            ]
        )
    )


@given(st.data(), PEOPLE)
def test_what_a_system_makes_of_a_name_leads_back_to_the_person_or_to_more_than_one(data, people):
    person = data.draw(st.sampled_from(people))
    found = cohort(*people).match(data.draw(written(person)))
    assert found == person or (isinstance(found, tuple) and person in found and len(found) > 1)


def spellings(person: Person) -> set[str]:
    """Every way to run the words of a name together."""
    return {"".join(map(fold, turned(person.name, turn))) for turn in range(4)}


@given(st.data(), PEOPLE)
def test_a_name_is_never_given_to_somebody_else(data, people):
    absent, *present = people
    assume(all(spellings(absent).isdisjoint(spellings(person)) for person in present))
    assert not isinstance(cohort(*present).match(data.draw(written(absent))), Person)


@given(PEOPLE, st.text(max_size=60))
def test_any_text_means_one_person_or_candidates_in_order(people, text):
    found = cohort(*people).match(text)
    assert isinstance(found, Person) or list(found) == sorted(found, key=lambda person: person.id)


@given(PEOPLE)
def test_every_id_leads_to_its_person(people):
    for person in people:
        found = cohort(*people).match(person.id)
        assert found == person or (isinstance(found, tuple) and person in found)


@given(st.text(max_size=30))
def test_folding_twice_changes_nothing_more(text):
    assert fold(fold(text)) == fold(text)
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))


def test_a_long_name_is_answered_at_once():
    assert THREE.match("Élise Exemplaire " * 5000) == ()


def test_no_ordinary_name_is_taken_for_a_systems():
    assert (
        lms_name("Élise Exemplaire") is None and lms_name("elise_03-trust-this-table.ipynb") is None
    )


# The gradebook


def test_the_cohort_goes_into_nbgraders_gradebook_and_again_changes_only_what_changed(tmp_path):
    url = f"sqlite:///{tmp_path / 'gradebook.db'}"
    assert enrolment.into_gradebook(THREE, url, "course") == 3
    assert enrolment.into_gradebook(THREE, url, "course") == 0
    assert (
        enrolment.into_gradebook(cohort(Person("s01", "Élise Autre-Exemplaire")), url, "course")
        == 1
    )
    with enrolment.open_gradebook(url, "course") as gradebook:
        elise, noe, _ = (gradebook.find_student(one) for one in THREE.people)
        assert (noe.first_name, noe.last_name, noe.email) == ("Noé", "Modèle", "noe@example.ca")
        assert (elise.first_name, elise.last_name, elise.email) == (
            "Élise",
            "Autre-Exemplaire",
            None,
        )
        assert len(gradebook.students) == 3
