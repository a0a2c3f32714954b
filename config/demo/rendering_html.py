"""Render a demo document to a complete HTML page."""

from html import escape
from typing import Final

from config.demo.blocks import PARSER
from config.demo.sources import DemoSource

_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} | {company}</title>
<style>
body {{ font: 16px/1.55 system-ui, sans-serif; color: #1f2933; margin: 0; }}
header, main, footer {{ max-width: 46rem; margin: 0 auto; padding: 1rem 1.25rem; }}
header, footer {{ color: #5b6673; font-size: .875rem; }}
h1, h2, h3 {{ line-height: 1.25; }}
table {{ border-collapse: collapse; width: 100%; margin: 1rem 0; }}
th, td {{ border: 1px solid #cbd2d9; padding: .4rem .6rem; text-align: left; }}
th {{ background: #f0f2f5; }}
</style>
</head>
<body>
<header>{company}</header>
<main>
{content}</main>
<footer>© {company}</footer>
</body>
</html>
"""


def html_render(source: DemoSource) -> bytes:
    """Render the document to an HTML5 page."""
    page = _PAGE.format(
        title=escape(source.title),
        company=escape(source.company),
        content=PARSER.render(source.body),
    )
    return page.encode("utf-8")
