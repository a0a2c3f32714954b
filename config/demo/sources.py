"""Load the Markdown sources of the demo tenants' documents."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

DEMO_ROOT: Final = Path(__file__).resolve().parent
PROJECT_ROOT: Final = DEMO_ROOT.parents[1]
FORMATS: Final = ("pdf", "docx", "html", "md", "txt")

# The third demo tenant answers questions about this project from the project's own documents.
PROJECT_SLUG: Final = "frontdesk"

COMPANIES: Final = {
    "acme": "Acme Outfitters",
    "globex": "Globex Home",
    PROJECT_SLUG: "Frontdesk",
}


@dataclass(frozen=True)
class DemoSource:
    """One document of a demo tenant, before it is rendered to its format."""

    slug: str
    title: str
    format: str
    filename: str
    collection: str
    body: str

    @property
    def company(self) -> str:
        """Name the company which issues the document."""
        return COMPANIES.get(self.slug, self.slug.title())


def demo_sources_load(slug: str) -> list[DemoSource]:
    """Load every document source of the demo tenant, ordered by file name."""
    if slug == PROJECT_SLUG:
        return [_project_source(path) for path in _project_paths()]
    paths = sorted((DEMO_ROOT / slug).glob("*.source.md"))
    return [_tenant_source(slug, path) for path in paths]


def _tenant_source(slug: str, path: Path) -> DemoSource:
    """Read one source file with its front matter."""
    front, body = _front_matter_split(path.read_text(encoding="utf-8"), path.name)
    source = DemoSource(
        slug=slug,
        title=front["title"],
        format=front["format"],
        filename=front["filename"],
        collection=front["collection"],
        body=body,
    )
    if source.format not in FORMATS:
        raise ValueError(f"{path.name}: unknown format {source.format!r}")
    return source


def _front_matter_split(text: str, name: str) -> tuple[dict[str, str], str]:
    """Split a source into its front matter and its Markdown body."""
    opening, front, body = text.split("---\n", 2)
    fields = yaml.safe_load(front)
    if opening or not isinstance(fields, dict):
        raise ValueError(f"{name}: a source must start with front matter")
    return {str(key): str(value) for key, value in fields.items()}, body.lstrip("\n")


def _project_paths() -> list[Path]:
    """List the project's own documents which exist."""
    readme = PROJECT_ROOT / "README.md"
    pages = sorted((PROJECT_ROOT / "docs").glob("**/*.md"))
    return [path for path in (readme, *pages) if path.is_file()]


def _project_source(path: Path) -> DemoSource:
    """Read one of the project's own documents, which have no front matter."""
    body = path.read_text(encoding="utf-8")
    parts = path.relative_to(PROJECT_ROOT).parts
    return DemoSource(
        slug=PROJECT_SLUG,
        title=_first_heading(body) or path.stem,
        format="md",
        # A slash could not be part of an uploaded file's name.
        filename="-".join(parts[1:] if parts[0] == "docs" else parts),
        collection="docs",
        body=body,
    )


def _first_heading(body: str) -> str:
    """Find the text of the first top-level heading, or nothing."""
    lines = body.splitlines()
    return next((line[2:].strip() for line in lines if line.startswith("# ")), "")
