"""Turn message text into safe HTML for the inbox.

What the AI writes is a small subset of Markdown; what people type is plain text with links. Both
go through nh3 at the end, so nothing that is not on its list reaches a page.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import nh3
from django.utils.html import escape, format_html, linebreaks, urlize
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

from conversations.types import Author

TAGS = {"p", "br", "strong", "em", "code", "ul", "ol", "li", "a", "sup"}
ATTRIBUTES = {"a": {"href", "target", "title", "class"}, "ol": {"start"}}
CITATION = re.compile(r"\s?\[(\d{1,3})\]")
_markdown = MarkdownIt("zero", {"html": False, "breaks": True}).enable(
    ["emphasis", "link", "list", "newline", "backticks", "escape", "entity"]
)


def message_html(*, author: str, text: str, citations: list[dict[str, Any]]) -> SafeString:
    """Return a message's text as HTML; `[1]` becomes a link to the passage it cites."""
    if author != Author.AI:
        return _clean(urlize(linebreaks(text, autoescape=True), nofollow=True))
    by_number: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for citation in citations:
        by_number[int(citation["number"])].append(citation)
    return _clean(CITATION.sub(lambda found: _citation(found, by_number), _markdown.render(text)))


def _citation(found: re.Match[str], by_number: dict[int, list[dict[str, Any]]]) -> str:
    """Return a link to the passage; several sentences of one source take theirs in turn."""
    left = by_number.get(int(found[1]))
    if not left:
        return escape(found[0])
    citation = left.pop(0) if len(left) > 1 else left[0]
    return format_html(
        '<sup><a class="inbox-cite" href="{}" title="{}">{}</a></sup>',
        citation["url"],
        citation["quote"],
        found[1],
    )


def _clean(html: str) -> SafeString:
    cleaned = nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    return mark_safe(cleaned)  # noqa: S308 - nh3 has just left only what is listed above
