"""Corpora are read in the forms data sets have, and what is wrong is said with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.evaluation.corpus import (
    EvaluationDocument,
    EvaluationInvalid,
    corpus_read,
    qrels_read,
    questions_read,
    relevance_check,
)


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "given.jsonl"


@pytest.mark.parametrize(
    "line",
    [
        '{"id": 7, "title": "Tents", "text": "A tent."}',
        '{"_id": "7", "title": "Tents", "contents": "A tent."}',
        '{"doc_id": "7", "title": "Tents", "content": "A tent.", "metadata": {}}',
    ],
)
def test_documents_are_read_by_the_names_data_sets_use(file: Path, line: str) -> None:
    written(file, f"\ufeff{line}\n\n")
    assert corpus_read(file) == [EvaluationDocument("7", "Tents", "A tent.")]


def test_separator_within_a_text_is_no_end_of_line(file: Path) -> None:
    written(file, '{"id": "1", "text": "one\u2028two"}')
    assert corpus_read(file)[0].text == "one\u2028two"


@pytest.mark.parametrize(
    "relevant",
    [
        '"relevant": ["a"]',
        '"relevant": "a"',
        '"relevant": {"a": 1, "b": 0}',
        '"positive": [{"id": "a"}]',
        '"required_documents": ["a"]',
    ],
)
def test_questions_name_what_is_right_in_several_ways(file: Path, relevant: str) -> None:
    written(file, f'{{"_id": "q", "query": "Where?", {relevant}}}')
    (question,) = questions_read(file)
    assert (question.id, question.text, question.relevant) == ("q", "Where?", frozenset({"a"}))


@pytest.mark.parametrize(
    "judged",
    ["query-id\tcorpus-id\tscore\nq\ta\t1\nq\tb\t0\n", "q 0 a 2\nq 0 b 0\n"],
    ids=["BEIR", "TREC"],
)
def test_relevance_may_stand_apart(file: Path, tmp_path: Path, judged: str) -> None:
    written(file, '{"_id": "q", "text": "Where?"}\n{"_id": "unjudged", "text": "Who?"}')
    qrels = written(tmp_path / "qrels.tsv", judged)
    assert [question.relevant for question in questions_read(file, qrels)] == [frozenset({"a"})]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", ":1: this is not JSON"),
        ("[]", ":1: expected an object"),
        ('{"text": "x"}', ":1: an id is missing"),
        ('{"id": "1"}', ":1: a text is missing"),
        ('{"id": "1", "text": "x"}\n{"id": "1", "text": "y"}', "comes twice"),
        ("", "no document"),
    ],
)
def test_bad_corpus_is_refused_with_the_reason(file: Path, text: str, said: str) -> None:
    with pytest.raises(EvaluationInvalid, match=said):
        corpus_read(written(file, text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"id": "q", "text": "x"}', "no question names"),
        ('{"id": "q", "text": "x", "relevant": 1.5}', "a list of ids"),
        ('{"id": "q", "relevant": ["a"]}', "a text is missing"),
    ],
)
def test_bad_questions_are_refused_with_the_reason(file: Path, text: str, said: str) -> None:
    with pytest.raises(EvaluationInvalid, match=said):
        questions_read(written(file, text))


def test_bad_relevance_is_refused_with_its_line(file: Path) -> None:
    with pytest.raises(EvaluationInvalid, match=":2: expected a query, a document and a grade"):
        qrels_read(written(file, "q a 1\nq a\n"))


def test_file_that_is_not_there_or_not_text_is_refused(file: Path) -> None:
    with pytest.raises(EvaluationInvalid, match="No such file"):
        corpus_read(file)
    file.write_bytes(b"\xff\xfe{}")
    with pytest.raises(EvaluationInvalid, match="not UTF-8"):
        corpus_read(file)


def test_question_that_wants_what_is_not_there_is_refused(file: Path) -> None:
    written(file, '{"id": "q", "text": "Where?", "relevant": ["b"]}')
    with pytest.raises(EvaluationInvalid, match="'q' wants 'b'"):
        relevance_check([EvaluationDocument("a", "", "A tent.")], questions_read(file))
