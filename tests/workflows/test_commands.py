"""The commands about workflow files: one speaks like a compiler, the others print."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from workflows.library import FOLDER

DOCS = Path(__file__).parents[2] / "docs"


def test_good_files_pass() -> None:
    out = StringIO()
    call_command("workflow_validate", *map(str, sorted(FOLDER.glob("*.yaml"))), stdout=out)
    assert out.getvalue().count("fine") == 2


def test_mistake_is_told_with_file_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text('name: shop\nversion: "1"\nsteps:\n  - id: a\n    type: magic\n')
    errors = StringIO()
    with pytest.raises(CommandError):
        call_command("workflow_validate", str(path), stderr=errors)
    assert errors.getvalue().startswith(f"{path}:5:11: Unknown step type 'magic'")


def test_missing_and_binary_files_are_told(tmp_path: Path) -> None:
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"name: \xff\xfe\x00")
    errors = StringIO()
    with pytest.raises(CommandError):
        call_command("workflow_validate", str(tmp_path / "none.yaml"), str(binary), stderr=errors)
    assert "No such file" in errors.getvalue()
    assert f"{binary}:1:7: The file is not valid UTF-8" in errors.getvalue()


def test_warnings_are_told_but_do_not_fail(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(
        'name: shop\nversion: "1"\nbudget: {tokens: 5}\nsteps:\n'
        "  - {id: a, type: llm, budget: {tokens: 9}}\n"
    )
    out, errors = StringIO(), StringIO()
    call_command("workflow_validate", str(path), stdout=out, stderr=errors)
    assert "fine" in out.getvalue()
    assert errors.getvalue().startswith(f"{path}:3:1: warning: The budgets of the steps may add up")


def test_files_may_use_fragments_and_an_overlay(tmp_path: Path) -> None:
    (tmp_path / "hello.yaml").write_text("name: hello\nsteps:\n  - {id: say, type: magic}\n")
    path = tmp_path / "shop" / "shop.yaml"
    path.parent.mkdir()
    path.write_text('name: shop\nversion: "1"\nuse: [hello]\nsteps: [{id: a, fragment: hello}]\n')
    errors, out = StringIO(), StringIO()
    with pytest.raises(CommandError):
        call_command("workflow_validate", str(path), fragments=tmp_path, stderr=errors)
    assert errors.getvalue().startswith("fragments/hello.yaml:3:21: Unknown step type 'magic'")
    overlay = tmp_path / "shop" / "overlay.txt"
    overlay.write_text("overlay_of: shop\nreplace: [{id: a, type: reply}]\n")
    call_command("workflow_validate", str(path), fragments=tmp_path, overlay=overlay, stdout=out)
    assert "1 steps, fine" in out.getvalue()


def test_schema_is_printed_as_it_is_committed() -> None:
    out = StringIO()
    call_command("workflow_schema", stdout=out)
    assert json.loads(out.getvalue())["title"] == "Frontdesk workflow"
    assert out.getvalue() == (DOCS / "workflow.schema.json").read_text()


@pytest.mark.parametrize(
    ("name", "first"), [("mermaid", "flowchart TD"), ("dot", 'digraph "faq_handling" {')]
)
def test_workflow_is_exported_by_name_and_from_a_file(name: str, first: str) -> None:
    for source in ("faq_handling", str(FOLDER / "faq_handling.yaml")):
        out = StringIO()
        call_command("workflow_export", source, format=name, stdout=out)
        assert out.getvalue().splitlines()[0] == first


def test_export_of_nothing_says_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="the library has customer_support, faq_handling"):
        call_command("workflow_export", "nope")
    bad = tmp_path / "bad.yaml"
    bad.write_text("name: [\n")
    with pytest.raises(CommandError, match=r"bad\.yaml:2:1: Not valid YAML"):
        call_command("workflow_export", str(bad))
