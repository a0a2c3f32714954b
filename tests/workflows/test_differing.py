"""What differs between two texts: lines and steps, in bodies too."""

from workflows.differing import steps_written, texts_compare

NAMES = ("before", "after")
BEFORE = """\
name: shop
version: "1"
steps:
  - {id: greet, type: reply, config: {text: Hello}}
  - id: each
    type: foreach
    config:
      steps:
        - {id: pack, type: reply}
        - {id: ship, type: reply}
"""


def test_equal_texts_do_not_differ() -> None:
    diff = texts_compare(BEFORE, BEFORE, names=NAMES)
    assert (diff.lines, diff.added, diff.removed, diff.changed) == ((), (), (), ())


def test_added_removed_and_changed_steps_are_told() -> None:
    after = BEFORE.replace("Hello", "Good day").replace("id: ship", "id: send")
    diff = texts_compare(BEFORE, after, names=NAMES)
    # The loop holds other steps now, so it is changed too.
    assert (diff.added, diff.removed, diff.changed) == (("send",), ("ship",), ("greet", "each"))


def test_step_changed_in_a_body_changes_nothing_around_it() -> None:
    after = BEFORE.replace("{id: pack, type: reply}", "{id: pack, type: reply, if: text = 'x'}")
    assert texts_compare(BEFORE, after, names=NAMES).changed == ("pack",)


def test_comment_changes_lines_and_no_step() -> None:
    diff = texts_compare(BEFORE, "# ours\n" + BEFORE, names=NAMES)
    assert diff.lines[:2] == ("--- before", "+++ after")
    assert "+# ours" in diff.lines
    assert not diff.changed


def test_text_that_is_no_yaml_is_compared_by_lines_alone() -> None:
    diff = texts_compare(BEFORE, "name: [", names=NAMES)
    assert not diff.is_readable
    assert diff.unified.endswith("+name: [\n")


def test_what_only_looks_like_a_step_is_none() -> None:
    source = "input: {properties: {id: {type: string}, type: {type: string}}}\n"
    assert steps_written(source) == {}
