"""Blind search finds in PostgreSQL what a plain search would, and shows no word."""

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from crypto_core.blindindex import MAX_TERMS, query, stems, tokens
from crypto_core.errors import SearchQueryInvalid

KEY, OTHER = bytes(range(32)), bytes(32)
NOTE = (
    "The patient's follow-up is on Monday. Dose: 5mg; call dr.house@clinic.example – not Tuesday!"
)


def matches(text: str, asked: str, key: bytes = KEY, language: str = "english") -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT %s::tsvector @@ %s::tsquery",
            [tokens(text, KEY, language), query(asked, key, language)],
        )
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db
@pytest.mark.parametrize(
    "asked",
    [
        "monday",
        "MONDAY patients",
        "doses",
        '"is on Monday"',
        "follow-up",
        "dr.house@clinic.example",
        "monday -friday",
        'monday -"on Tuesday"',
        "friday or monday",
        "friday saturday or dose monday",
        'dose "follow up',
        "patient’s",
    ],
)
def test_a_query_finds_what_says_so(asked):
    assert matches(NOTE, asked)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "asked",
    ["friday", "monday friday", '"on is Monday"', "monday -dose", '-"follow up" dose', "or", "mon"],
)
def test_a_query_does_not_find_what_does_not(asked):
    assert not matches(NOTE, asked)


@pytest.mark.django_db
def test_another_conversations_key_finds_nothing():
    assert not matches(NOTE, "monday", key=OTHER)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "text", "asked"),
    [
        ("german", "Die Häuser sind größer", "HAUS grösser"),
        ("hindi", "नमस्ते दुनिया", "दुनिया"),
        ("french", "Les infirmières arrivent", "infirmière"),
        ("nobody's", "Cafe\u0301 ﬁnal", "café FINAL"),
    ],
)
def test_other_languages_are_searched_by_their_own_words(language, text, asked):
    assert matches(text, asked, language=language)


@pytest.mark.parametrize("asked", ["", "  ", "!!! …", '""', "-", '-""'])
def test_a_query_without_words_is_refused(asked):
    with pytest.raises(SearchQueryInvalid, match="no words"):
        query(asked, KEY, "english")


@pytest.mark.parametrize("asked", ["-dose", '-dose -"two words"', "monday or -dose"])
def test_a_query_that_only_excludes_is_refused(asked):
    with pytest.raises(SearchQueryInvalid, match="only exclusions"):
        query(asked, KEY, "english")


def test_a_query_of_too_many_words_is_refused():
    assert query("a " * MAX_TERMS, KEY, "english")
    with pytest.raises(SearchQueryInvalid, match="16"):
        query("a " * (MAX_TERMS + 1), KEY, "english")
    with pytest.raises(SearchQueryInvalid, match="16"):
        query(f'"{"a-" * (MAX_TERMS + 1)}"', KEY, "english")


def test_no_word_stands_in_the_index():
    vector = tokens(NOTE, KEY, "english").lower()

    assert not any(word in vector for word in stems(NOTE, "english") if len(word) > 2)


def test_positions_beyond_postgresqls_limit_are_kept_at_it():
    assert tokens("word " * 17_000, KEY, "english").endswith(",16383,16383")


@given(st.text())
def test_any_text_has_an_index(text):
    assert isinstance(tokens(text, KEY, "english"), str)


@given(st.text(alphabet=st.sampled_from("ab é-\"’'|&!()<>: \\or\0日")))
def test_any_query_is_refused_or_is_blind(text):
    try:
        made = query(text, KEY, "english")
    except SearchQueryInvalid:
        return
    assert set(made.replace("'", "")) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_- <>&|!()"
    )


@pytest.mark.django_db
@given(st.text(max_size=60))
def test_postgresql_reads_every_index_and_finds_its_first_word(django_db_blocker, text):
    words = stems(text, "none")

    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::tsvector", [tokens(text, KEY, "none")])
    if words:
        assert matches(text, words[0], language="none")
