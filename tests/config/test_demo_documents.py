"""The demo tenants' documents render to their formats and answer the test questions."""

import re
from collections import Counter, defaultdict
from io import BytesIO
from pathlib import Path
from typing import Any

import docx
import lxml.html
import pypdfium2
import pytest
import yaml

from config.demo.blocks import blocks_parse
from config.demo.rendering import DemoSource, demo_document_render, demo_sources_load
from config.demo.sources import DEMO_ROOT, FORMATS, PROJECT_ROOT

TENANTS = ("acme", "globex")
WORDS_PER_PAGE = 500
SOURCES = {(slug, s.filename): s for slug in TENANTS for s in demo_sources_load(slug)}
QUESTIONS_PATH = Path(__file__).parents[1] / "knowledge" / "questions.yaml"
QUESTIONS: dict[str, list[dict[str, Any]]] = yaml.safe_load(QUESTIONS_PATH.read_text("utf-8"))
SHOPS: dict[str, Any] = yaml.safe_load((DEMO_ROOT / "orders.yaml").read_text("utf-8"))
STATES = {"placed", "paid", "packed", "shipped", "delivered", "cancelled", "refunded"}

each_source = pytest.mark.parametrize(
    "source", SOURCES.values(), ids=[f"{k[0]}-{k[1]}" for k in SOURCES]
)
each_tenant = pytest.mark.parametrize("slug", TENANTS)


def words(body: str) -> list[str]:
    """Split the body into words; the bars and rules of tables are none."""
    return re.findall(r"\w[\w.,'@-]*", body)


def normalised(text: str) -> str:
    """Reduce every run of white space to one space."""
    return " ".join(text.split())


def pdf_text(content: bytes) -> str:
    """Read the text of every page back."""
    document = pypdfium2.PdfDocument(content)
    return "\n".join(page.get_textpage().get_text_range() for page in document)


def docx_text(content: bytes) -> str:
    """Read the text of the paragraphs and of the tables back."""
    document = docx.Document(BytesIO(content))
    cells = [cell for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join(part.text for part in [*document.paragraphs, *cells])


def html_text(content: bytes) -> str:
    """Read the text of the page's main part back."""
    page = lxml.html.document_fromstring(content.decode("utf-8"))
    return str(page.find(".//main").text_content())


def rendered_text(source: DemoSource) -> str:
    """Render the document and read its text back."""
    content = demo_document_render(source)
    readers = {"pdf": pdf_text, "docx": docx_text, "html": html_text}
    reader = readers.get(source.format, lambda data: data.decode("utf-8"))
    return normalised(reader(content))


@each_source
def test_source_is_well_formed(source: DemoSource) -> None:
    assert source.filename.endswith(f".{source.format}")
    assert source.body.startswith(f"# {source.title}\n")
    assert source.collection
    assert blocks_parse(source.body)


@each_source
def test_rendered_document_contains_title_and_is_reproducible(source: DemoSource) -> None:
    assert source.title in rendered_text(source)
    assert demo_document_render(source) == demo_document_render(source)


@each_source
def test_rendered_document_keeps_the_words(source: DemoSource) -> None:
    rendered = Counter(words(rendered_text(source)))
    assert not Counter(words(re.sub(r"(?m)^\d+\. ", "", source.body))) - rendered


def test_pdf_documents_are_a4_with_page_numbers() -> None:
    for source in SOURCES.values():
        if source.format == "pdf":
            content = demo_document_render(source)
            document = pypdfium2.PdfDocument(content)
            assert content.startswith(b"%PDF")
            assert [round(side) for side in document[0].get_size()] == [595, 842]
            assert f"Page {len(document)}" in pdf_text(content)


def test_docx_documents_have_headings_and_tables() -> None:
    for source in SOURCES.values():
        if source.format == "docx":
            document = docx.Document(BytesIO(demo_document_render(source)))
            styles = {paragraph.style.name for paragraph in document.paragraphs if paragraph.style}
            assert {"Heading 1", "Heading 2"} <= styles
            assert document.tables


def test_docx_numbered_lists_each_start_at_one() -> None:
    body = "# Two lists\n\n1. a\n2. b\n\nText\n\n1. c\n"
    source = DemoSource("acme", "Two lists", "docx", "two-lists.docx", "faq", body)
    document = docx.Document(BytesIO(demo_document_render(source)))
    numbers = [
        paragraph.paragraph_format.element.pPr.numPr.numId.val
        for paragraph in document.paragraphs
        if paragraph.style and paragraph.style.name == "List Number"
    ]
    assert numbers[0] == numbers[1] != numbers[2]


def test_html_documents_are_complete_pages() -> None:
    for source in SOURCES.values():
        if source.format == "html":
            content = demo_document_render(source).decode("utf-8")
            page = lxml.html.document_fromstring(content)
            assert content.startswith("<!DOCTYPE html>")
            assert source.title in page.findtext(".//title")
            assert page.findtext(".//h1") == source.title


def test_txt_documents_are_at_most_80_characters_wide() -> None:
    for source in SOURCES.values():
        if source.format == "txt":
            lines = demo_document_render(source).decode("utf-8").splitlines()
            assert max(map(len, lines)) <= 80


@each_tenant
def test_tenant_has_25_pages_over_all_formats(slug: str) -> None:
    sources = demo_sources_load(slug)
    formats = Counter(source.format for source in sources)
    assert all(formats[name] >= 2 for name in FORMATS)
    assert sum(len(words(source.body)) for source in sources) >= 25 * WORDS_PER_PAGE
    assert len({source.filename for source in sources}) == len(sources)


def test_project_tenant_has_the_projects_own_documents() -> None:
    sources = demo_sources_load("frontdesk")
    expected = [*PROJECT_ROOT.glob("README.md"), *(PROJECT_ROOT / "docs").glob("**/*.md")]
    assert len(sources) == len(expected)
    assert {(source.format, source.collection) for source in sources} <= {("md", "docs")}


@pytest.mark.parametrize(
    "item", QUESTIONS["questions"], ids=lambda item: f"{item['tenant']}: {item['question']}"
)
def test_question_is_answered_by_its_source(item: dict[str, str]) -> None:
    source = SOURCES[item["tenant"], item["source"]]
    assert item["contains"] in source.body
    assert item["contains"] in rendered_text(source)
    assert item["question"].lower() not in source.body.lower()


def test_questions_are_balanced() -> None:
    questions = QUESTIONS["questions"]
    counts = Counter(
        (item["tenant"], SOURCES[item["tenant"], item["source"]].format) for item in questions
    )
    assert len(questions) >= 50
    assert all(counts[slug, name] >= 5 for slug in TENANTS for name in FORMATS)
    assert len({(item["tenant"], item["question"]) for item in questions}) == len(questions)


def test_tenants_answer_the_same_question_differently() -> None:
    answers: dict[str, list[str]] = defaultdict(list)
    for item in QUESTIONS["questions"]:
        answers[item["question"]].append(item["contains"])
    shared = {question: given for question, given in answers.items() if len(given) > 1}
    assert len(shared) >= 5
    assert all(len(set(given)) == len(given) for given in shared.values())


@pytest.mark.parametrize("item", QUESTIONS["unanswerable"], ids=lambda item: item["question"])
def test_unanswerable_question_is_not_answered(item: dict[str, Any]) -> None:
    bodies = [
        source.body.lower() for (slug, _), source in SOURCES.items() if slug == item["tenant"]
    ]
    assert item["absent"]
    assert not [word for word in item["absent"] if any(word.lower() in body for body in bodies)]


@each_tenant
def test_unanswerable_questions_are_enough(slug: str) -> None:
    assert len([item for item in QUESTIONS["unanswerable"] if item["tenant"] == slug]) >= 10


@each_tenant
def test_products_agree_with_the_price_list(slug: str) -> None:
    prices = next(s.body for s in demo_sources_load(slug) if s.collection == "prices")
    for product in SHOPS[slug]["products"]:
        price = f"{product['price_minor'] // 100}.{product['price_minor'] % 100:02d}"
        row = next(line for line in prices.splitlines() if f"| {product['sku']} |" in line)
        assert product["name"] in row
        assert price in row


@each_tenant
def test_orders_name_existing_products_and_states(slug: str) -> None:
    skus = {product["sku"] for product in SHOPS[slug]["products"]}
    orders = SHOPS[slug]["orders"]
    assert {order["status"] for order in orders} == STATES
    assert {line["sku"] for order in orders for line in order["lines"]} <= skus
    assert all(order["email"].endswith("@example.com") for order in orders)
    assert len({order["number"] for order in orders}) == len(orders)
