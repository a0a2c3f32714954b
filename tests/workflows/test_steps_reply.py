"""Marks in a reply are numbered as a reader meets them, and lead to the right passage."""

from workflows.steps.reply import _citations, _renumbered, _shown_numbers


def passage(name: str) -> dict[str, object]:
    sentences = [{"text": f"{name} {index}", "start": index, "end": index + 1} for index in (0, 1)]
    return {
        "document_id": name,
        "chunk_id": name,
        "title": name,
        "url": f"/{name}",
        "sentences": sentences,
    }


def cite(number: int, index: int = 0) -> dict[str, int]:
    return {"evidence_number": number, "sentence_index": index}


def test_marks_are_numbered_in_reading_order() -> None:
    text = "First. [5] Second. [2] First again. [5]"
    shown = _shown_numbers(text, [cite(2), cite(5), cite(5, 1)])
    assert shown == {5: 1, 2: 2}
    assert _renumbered(text, shown) == "First. [1] Second. [2] First again. [1]"


def test_bracketed_numbers_of_the_text_itself_stay() -> None:
    text = "Article [12] of the rules. [3]"
    shown = _shown_numbers(text, [cite(3)])
    assert _renumbered(text, shown) == "Article [12] of the rules. [1]"


def test_citations_carry_the_shown_number_and_the_right_passage() -> None:
    passages = [passage("a"), passage("b"), passage("c")]
    cited = [cite(3, 1), cite(1)]
    shown = _shown_numbers("x [3] y [1]", cited)
    found = [(c["number"], c["quote"], c["url"]) for c in _citations(cited, passages, shown)]
    assert found == [(1, "c 1", "/c"), (2, "a 0", "/a")]
