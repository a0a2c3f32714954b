"""``manage.py workflow_validate`` speaks like a compiler."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from workflows.library import FOLDER


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
