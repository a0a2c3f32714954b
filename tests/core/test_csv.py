"""CSV downloads: quoted, and no cell that a spreadsheet would run."""

from core.csv import csv_response


def test_formulas_are_made_text() -> None:
    cells = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "fine", -1]
    body = csv_response("a.csv", ["cell"], [[cell] for cell in cells]).content.decode()
    assert body.splitlines() == ["cell", "'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\tx", "fine", "-1"]


def test_file_has_its_name() -> None:
    response = csv_response("a.csv", ["x"], [["a,b"]])
    assert response["Content-Disposition"] == 'attachment; filename="a.csv"'
    assert response.content == b'x\r\n"a,b"\r\n'
