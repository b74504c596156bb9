"""Search without words: PostgreSQL gets keyed tokens in their places and never sees a text.

    token = b64url(the first 8 bytes of HMAC-SHA-256(index key, stem))

Positions are kept, so phrases, exclusions, alternatives and ranking work as they always do in
PostgreSQL, on a `tsvector` and a `tsquery` that are made here, where no statement log sees a word.
Somebody with the database learns which messages of one conversation share a word, how often, and
where; not across conversations, whose keys differ. There is no search for beginnings of words: it
would leak them. Scripts without spaces are indexed from one punctuation mark to the next.
"""

import hmac
import re
import threading
import unicodedata
from typing import NamedTuple

import Stemmer

from crypto_core.errors import SearchQueryInvalid
from crypto_core.suite import Bytes, b64

TOKEN_BYTES = 8
MAX_TERMS = 16
MAX_POSITION = 16_383  # PostgreSQL's own limit
LANGUAGES = frozenset(Stemmer.algorithms())

_MARKS = "".join(  # vowel signs and accents go on with a word; re's \w would end it
    chr(code) for code in range(0x300, 0x10000) if unicodedata.category(chr(code))[0] == "M"
)
_WORD = re.compile(rf"[^\W_]+(?:[{_MARKS}]+[^\W_]*|'[^\W_]+)*")
_ITEM = re.compile(r'(?P<minus>-?)(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')
_local = threading.local()


class Term(NamedTuple):
    """A word, or words in a row, that a message must have or, if *excluded*, must not."""

    excluded: bool
    stems: list[str]


def tokens(text: str, key: Bytes, language: str) -> str:
    """The `tsvector` of *text* under the index *key* of its conversation."""
    places: dict[str, list[int]] = {}
    for position, stem in enumerate(stems(text, language), 1):
        places.setdefault(stem, []).append(min(position, MAX_POSITION))
    return " ".join(
        f"'{_token(key, stem)}':{','.join(map(str, positions))}"
        for stem, positions in places.items()
    )


def query(text: str, key: Bytes, language: str) -> str:
    """The `tsquery` of what somebody typed: words, "phrases", -exclusions, and `or` between them.

    A query that finds nothing, or nearly everything, by its form is refused: one without words, an
    alternative that only excludes, more than MAX_TERMS words.
    """
    alternatives = _parsed(text, language)
    if not alternatives:
        raise SearchQueryInvalid("no words")
    if any(all(term.excluded for term in terms) for terms in alternatives):
        raise SearchQueryInvalid("only exclusions")
    if sum(len(term.stems) for terms in alternatives for term in terms) > MAX_TERMS:
        raise SearchQueryInvalid(f"more than {MAX_TERMS} words")
    return " | ".join(" & ".join(_term(term, key) for term in terms) for terms in alternatives)


def stems(text: str, language: str) -> list[str]:
    """The words of *text* in order, each reduced to its stem where *language* has a stemmer."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    words = _WORD.findall(plain)
    stemmer = _stemmer(language)
    return stemmer.stemWords(words) if stemmer else words


def _stemmer(language: str) -> Stemmer.Stemmer | None:
    if language not in LANGUAGES:
        return None
    stemmers: dict[str, Stemmer.Stemmer] = _local.__dict__  # a stemmer serves one thread at a time
    if language not in stemmers:
        stemmers[language] = Stemmer.Stemmer(language, 0)  # 0: it remembers no words
    return stemmers[language]


def _token(key: Bytes, stem: str) -> str:
    return b64(hmac.digest(key, stem.encode(), "sha256")[:TOKEN_BYTES])


def _parsed(text: str, language: str) -> list[list[Term]]:
    """The alternatives of a query, each a list of terms; what has no words is left out."""
    items = list(_ITEM.finditer(text))
    alternatives: list[list[Term]] = [[]]
    for number, item in enumerate(items):
        if item.group().lower() == "or" and alternatives[-1] and number + 1 < len(items):
            alternatives.append([])
        elif words := stems(item["word"] or item["phrase"] or "", language):
            alternatives[-1].append(Term(bool(item["minus"]), words))
    return [terms for terms in alternatives if terms]


def _term(term: Term, key: Bytes) -> str:
    phrase = " <-> ".join(f"'{_token(key, stem)}'" for stem in term.stems)
    return f"!({phrase})" if term.excluded else phrase
