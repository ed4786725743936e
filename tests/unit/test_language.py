"""The project is written in plain technical English: see "Language" in CONTRIBUTING.md.

Some words and turns of phrase kept coming back that every reader has to translate. They are
listed here, each with what to write instead.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

WORDS: dict[str, str] = {
    r"(?<![Tt]here )\b(is|are|was|were|be) no (?!longer|more|such|less)": "is not a",
    r"(?<![Tt]here )\b(is|are|be) none\b|\bthere is none of\b": "does not exist",
    r"\bbehind\b(?! (API Gateway|a proxy|a load balancer|an? HTTPS))": "after",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\bsays? (else|otherwise)\b": "overrides",
    r"\b(so|that|as) many of\b|\bso (many|much)(?! (as|that))": "N, this many",
    r"\b(lest|anew|meanwhile|begun|whereupon|thereof|hitherto|forthwith)\b": "a usual word",
    r"\bthe like\b": "likewise",
    r"\b(take|takes|took|taking) leave\b": "exit",
    r"\bcom(e|es|ing) to stand\b|\bcame to stand\b": "is committed",
    r"\bstands? (in|for now|there|here|at|still)\b": "is stored in",
    r"\b(leav(e|es|ing)|left)[ _-]out\b|\bLeftOut": "reject, omit",
    r"\b(go|goes|going|went|gone) on\b": "continue, resume",
    r"\b(without|with|in) a word\b|\bword (of|in) the\b|\bof its own words\b": "message",
    r"\bin thought\b": "simulate",
    r"\bthousand million\b": "billion",
    r"\bon (a|the|this|that|each|every|one|their|another|your) (photo|picture|image)s?\b": "in",
    r"\b(ask|asks|asked) (again|once more)\b": "retry, poll",
    r"\bonce more\b(?! than)": "again",
    r"\blooked at\b": "processed, checked, examined",
    r"\bknows? no\b": "does not support",
    r"\blook(s|ed|ing)? (at|upon) (it|them|each|a photo|the photo|photos|photo)\b": "process, poll",
    r"\b(tell|tells|told|telling) (of|the|that|how|whether|what|which|in|why|where)\b": "report",
    r"\bsay(s|ing)? (how|who|where|when|no more)\b": "show, report",
    r"\b(make|makes|made|making) (one|it|them) (where|if|unless)\b": "create",
    r"\bdearer?\b": "expensive",
    r"\bno (sooner|later) than\b": "at the earliest, at most",
    r"\bwhat is more\b|\bat work at once\b|\bat once at most\b": "concurrent",
    r"\bone after (another|the other)\b": "in turn, one at a time",
    r"\b(each|any) of (its|their) own\b": "its own",
    r"\bthe (first|last|next|newest|oldest|largest|best) (first|last)\b": "first",
    r"\btakes? (the|its|their) parts\b|\bTake the parts\b": "nothing, or Args",
    r"\b(gets?|getting) on\b(?! with the)": "make progress",
    r"\b(hush|heed|bury|employ|dismiss|obtain)(ed|s|es)?\b": "a usual word",
    r"\bwho(so)?ever\b(?! (it|they))": "the one who, or a noun",
    r"\bnought\b|\bmerry\b|\bshall\b|\bupon\b": "a usual word",
    r"\bMOST_[A-Z]|\bLARGEST_[A-Z]|\bLONGEST_[A-Z]": "MAX_",
    r"\b(least|most)(, (least|most))? = |\b(least|most): (int|float)\b": "min_, max_",
    r"\bLEAST_[A-Z]|\bSMALLEST_[A-Z]|\bSHORTEST_[A-Z]": "MIN_",
}
"""Patterns that are not allowed in any line, and what to write instead."""

# All begin where a word does: elsewhere, none of them is tried.
ANY_WORD = re.compile(rf"\b(?=\w)(?:{'|'.join(WORDS)})")

FRAGMENT = re.compile(
    r"(Of|That|Between|Beyond|Up to|Nor|Not|So|As|With|Than|Take the|Whose|Until|Unless|Such)"
    r"\b"
)
"""How a docstring must not begin: it is a full phrase."""

FRAGMENT_OF_ARGUMENT = re.compile(
    r"^\s+\w+: (?i:and|at|by|from|of|on|over|than|that|those|to|under|whose) ",
    re.MULTILINE,
)
"""How the description of an argument or attribute must not begin."""

GLOSSARY = re.compile(r"^\| use \| for \| instead of \|$(.*?)^$", re.MULTILINE | re.DOTALL)
SUFFIXES = {".py", ".md", ".json", ".yaml", ".toml", ".html", ".css", ".js", ".sh", ""}
EXEMPT = re.compile(
    r"^(tests/unit/test_language\.py|LICENSE|examples/photos/|requirements/|\.|.*\.jsonl$|"
    # written by an earlier release, and the names that it gave
    r"tests/functional/jobs/data/first-release/|facerec/jobs/ledger/first_release\.py)"
)


def tracked_files() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [
        name
        for name in listed.stdout.splitlines()
        if Path(name).suffix in SUFFIXES and not EXEMPT.match(name) and (ROOT / name).is_file()
    ]


def text_of(name: str) -> str:
    text = (ROOT / name).read_text("utf-8")
    # The glossary names the words that it replaces.
    return GLOSSARY.sub("", text) if name == "CONTRIBUTING.md" else text


def dialect_in(name: str) -> Iterator[str]:
    """Yield each place of a file that uses a pattern of ``WORDS``."""
    text = text_of(name)
    flat = re.sub(r"\s*\n\s*(#|//)?\s*", " ", text)
    if not ANY_WORD.search(flat):
        return
    for pattern, instead in WORDS.items():
        for match in re.finditer(pattern, flat):
            around = flat[max(0, match.start() - 30) : match.end() + 30]
            yield f"{name}: ...{around}... (write {instead!r})"


@cache
def docstrings_of(name: str) -> list[tuple[int, str]]:
    """Return line and text of every docstring, those of constants and attributes included."""
    return [
        (node.lineno, node.value.value)
        for node in ast.walk(ast.parse(text_of(name)))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    ]


SECTION = re.compile(r"(?m)^( *)(?:Args|Attributes|Raises):\n((?:(?:\1 .*)?(?:\n|$))*)")
"""A section of a docstring: its indentation, and its entries."""

LOWERCASE_ENTRY = re.compile(
    r"(?m)^ *\*{0,2}[\w.]+(?: \([^)]*\))?: "
    r"(?!boto3|botocore|dlib|pyarrow|vCPU)[a-z]+(?![\w.])"
)


def lowercase_in(name: str) -> Iterator[str]:
    """Yield each description of an argument, attribute or error that has no capital."""
    for line, text in docstrings_of(name):
        for section in SECTION.finditer(text):
            entries = section[2]
            indentation = len(entries) - len(entries.lstrip())
            for match in LOWERCASE_ENTRY.finditer(entries):
                if len(match[0]) - len(match[0].lstrip()) == indentation:
                    yield f"{name}:{line}: {match[0].strip()!r} has no capital"


def fragments_in(name: str) -> Iterator[str]:
    for line, text in docstrings_of(name):
        if FRAGMENT.match(text):
            yield f"{name}:{line}: {text.splitlines()[0]!r} is not a full phrase"
        for match in FRAGMENT_OF_ARGUMENT.finditer(text):
            yield f"{name}:{line}: {match.group().strip()!r} does not describe the argument"


USER = re.compile(r"\busers?\b", re.IGNORECASE)

ALLOWED_USER = re.compile(
    # identifiers, names of Rekognition's, and people who use a computer or an account
    r"``[^`]*``|`[^`]*`|\{[^{}]*\}|(?-i:\bUSER\b)|(?m:^ +users?: )|"
    r"\buser ids?\b|/users?/|/users\b|"
    r"Rekognition's (user|name (of )?users)|(is )?(a )?users? (in|of)\s+Rekognition|"
    r"IAM users?\b|:user/|\buser pools?\b|\bCognito user\b|cognito-user|federated-user|"
    r"\buser data\b|\buser 10000\b|all users but root|another user than root|user-agent|"
    r"the user's\s+(data|cache)\s+folder|"
    r"(the|that) user (gives|chooses|chose)\b|files of the user\b|"
    r"(this|the|a) user (has no|without a) home\b",
    re.IGNORECASE,
)

SQL = re.compile(r"\b(FROM|INDEX|INTO|TABLE|UPDATE|WHERE)\b")

PERSON_ROOMS = re.compile(
    r"(facerec/(?!api/rekognition/)|lambdas/|batch_job/).*\.(py|json)$|README\.md$|"
    r"docs/(?!coming-from-rekognition\.md)[^/]*\.md$"
)
"""Where people are people: everywhere but in Rekognition's protocol."""


def prose_of(name: str) -> Iterator[str]:
    """Yield what a file says to readers: docstrings, comments and texts of several words."""
    text = text_of(name)
    if name.endswith(".json"):
        yield from re.findall(r'"description": "([^"]*)"', text)
    elif name.endswith(".md"):
        yield text
    else:
        yield from re.findall(r"(?m)#[^\n]*$", text)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
                yield "" if SQL.search(node.value) else node.value


FILES = tracked_files()
PYTHON_FILES = [name for name in FILES if name.endswith(".py")]


def test_a_person_is_called_a_person() -> None:
    found = [
        f"{name}: ...{text[max(0, match.start() - 60) : match.end() + 60]}... (write 'person')"
        for name in FILES
        if PERSON_ROOMS.match(name)
        for text in (ALLOWED_USER.sub("", each) for each in prose_of(name))
        for match in USER.finditer(text)
    ]
    assert not found, "\n".join(found)


def test_descriptions_in_schemas_are_full_phrases() -> None:
    found = [
        f"{path.name}: {description}"
        for path in sorted((ROOT / "facerec" / "schemas").glob("*.json"))
        for description in re.findall(r'"description": "([^"]*)"', path.read_text("utf-8"))
        if FRAGMENT.match(description)
    ]
    assert not found, "\n".join(found)


def test_files_are_written_in_plain_english() -> None:
    found = [place for name in FILES for place in dialect_in(name)]
    assert not found, "\n".join(found)


def test_descriptions_in_docstrings_have_a_capital() -> None:
    found = [each for name in PYTHON_FILES for each in lowercase_in(name)]

    assert found == []


def test_docstrings_are_full_phrases() -> None:
    found = [place for name in PYTHON_FILES for place in fragments_in(name)]
    assert not found, "\n".join(found)


STORE_ROOMS = ("facerec/core/protocols/", "facerec/storage/")
FOUND_BY_STORES = re.compile(r"find(_(users?|faces?|images|groups|tombstones|requests?|answers))?$")
STORE_PARAMETERS = {"FaceStore": {"faces", "own"}, "RecordStore": {"records", "source", "target"}}


def functions_of(name: str) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(text_of(name))):
        if isinstance(node, ast.FunctionDef):
            yield node


def test_stores_get_what_they_hold_and_do_not_find_it() -> None:
    found = [
        f"{name}:{function.lineno}: write get instead of {function.name}"
        for name in PYTHON_FILES
        if name.startswith(STORE_ROOMS)
        for function in functions_of(name)
        if FOUND_BY_STORES.match(function.name)
    ]
    assert not found, "\n".join(found)


def test_a_store_has_the_same_name_in_every_parameter() -> None:
    found = [
        f"{name}:{each.lineno}: write {min(usual)} instead of {each.arg}"
        for name in PYTHON_FILES
        if name.startswith("facerec/")
        for function in functions_of(name)
        for each in ast.walk(function.args)
        if isinstance(each, ast.arg) and isinstance(each.annotation, ast.Name)
        for usual in [STORE_PARAMETERS.get(each.annotation.id, {each.arg})]
        if each.arg not in usual
    ]
    assert not found, "\n".join(found)
