"""Public corpora with questions, read from where they are kept beside the checkout, if they are.

Every function gives documents and questions in the form `manage.py retrieval_eval` reads;
`python -m bench.support.corpora DIRECTORY` writes them all as JSONL, for calibration.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

from knowledge.evaluation.corpus import EvaluationDocument, EvaluationQuestion

ROOT: Final = Path(__file__).resolve().parents[2]
DATA: Final = ROOT.parent / "shared" / "data"
Corpus = tuple[list[EvaluationDocument], list[EvaluationQuestion]]


def squad(path: Path) -> Corpus:
    """Return SQuAD's paragraphs and its answerable questions; XQuAD has the same form."""
    documents: list[EvaluationDocument] = []
    questions: list[EvaluationQuestion] = []
    for article in _json(path)["data"]:
        for paragraph in article["paragraphs"]:
            name = str(len(documents))
            documents.append(EvaluationDocument(name, "", paragraph["context"]))
            questions.extend(
                EvaluationQuestion(str(asked["id"]), asked["question"], frozenset({name}))
                for asked in paragraph["qas"]
                if asked.get("answers") and not asked.get("is_impossible")
            )
    return documents, questions


def bank_tasks() -> Corpus:
    """Return tau2's documents of a bank; what a customer wants is the question, whole."""
    tasks = _json(DATA / "tau2" / "banking_knowledge" / "tasks.json")
    questions = [
        EvaluationQuestion(
            task["id"],
            task["user_scenario"]["instructions"],
            frozenset(task["required_documents"]),
        )
        for task in tasks
    ]
    return list(_bank(titled=True)), questions


def bank_titles() -> Corpus:
    """Return the same documents without their titles, which are the questions."""
    questions = [
        EvaluationQuestion(document.id, document.title, frozenset({document.id}))
        for document in _bank(titled=True)
    ]
    return list(_bank(titled=False)), questions


def _bank(*, titled: bool) -> Iterator[EvaluationDocument]:
    for path in sorted((DATA / "tau2" / "banking_knowledge" / "documents").glob("*.json")):
        found = _json(path)
        yield EvaluationDocument(found["id"], found["title"] if titled else "", found["content"])


def dstc11() -> Corpus:
    """Return DSTC11's snippets of hotels and restaurants; each question is asked of one place."""
    folder = DATA / "dstc11t5"
    asked = zip(_json(folder / "logs.json"), _json(folder / "labels.json"), strict=True)
    questions = [
        EvaluationQuestion(
            str(number), turns[-1]["text"], frozenset(map(_snippet, label["knowledge"])), group
        )
        for number, (turns, label) in enumerate(asked)
        if label["target"]
        for group in sorted({_place(one) for one in label["knowledge"]})[:1]
    ]
    places = {question.group for question in questions}
    known = _snippets(_json(folder / "knowledge.json"))
    return [document for document in known if document.group in places], questions


def _snippets(knowledge: dict[str, Any]) -> Iterator[EvaluationDocument]:
    for domain, entities in knowledge.items():
        for entity, found in entities.items():
            group = f"{domain}:{entity}"
            for key, faq in (found.get("faqs") or {}).items():
                text = f"{faq['question']}\n{faq['answer']}"
                yield EvaluationDocument(f"{group}:faq:{key}", "", text, group)
            for key, review in (found.get("reviews") or {}).items():
                for number, sentence in review["sentences"].items():
                    name = f"{group}:review:{key}:{number}"
                    yield EvaluationDocument(name, "", sentence, group)


def _place(label: dict[str, Any]) -> str:
    return f"{label['domain']}:{label['entity_id']}"


def _snippet(label: dict[str, Any]) -> str:
    name = f"{_place(label)}:{label['doc_type']}:{label['doc_id']}"
    return f"{name}:{label['sent_id']}" if label["doc_type"] == "review" else name


def corpora() -> dict[str, Callable[[], Corpus]]:
    """Return what there is to read, by name; nothing without the data."""
    found: dict[str, Callable[[], Corpus]] = {}
    if (path := DATA / "squad" / "dev_a.json").is_file():
        found["squad"] = partial(squad, path)
    for path in sorted((DATA / "xquad").glob("xquad.*.json")):
        found[f"xquad_{path.suffixes[0][1:]}"] = partial(squad, path)
    if (DATA / "tau2" / "banking_knowledge" / "tasks.json").is_file():
        found |= {"bank": bank_tasks, "bank_titles": bank_titles}
    if (DATA / "dstc11t5" / "labels.json").is_file():
        found["dstc11"] = dstc11
    return found


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def main(directory: Path) -> None:
    """Write every corpus as two files of JSONL."""
    for name, read in corpora().items():
        documents, questions = read()
        _write(directory / f"{name}.documents.jsonl", documents)
        _write(directory / f"{name}.questions.jsonl", questions)


def _write(path: Path, rows: Sequence[EvaluationDocument | EvaluationQuestion]) -> None:
    lines = (json.dumps(asdict(row), default=sorted) for row in rows)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
