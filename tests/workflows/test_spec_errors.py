"""Every mistake in a workflow file is told with its line, its column and a sentence."""

import pytest

from tests.workflows.kinds import KINDS
from workflows.spec.errors import SpecError
from workflows.spec.loading import load
from workflows.spec.source import MAX_BYTES

HEAD = 'name: shop\nversion: "1"\n'
ONE = HEAD + "steps:\n  - id: a\n    type: reply\n"


def steps(*lines: str) -> str:
    """Return a workflow whose steps are these lines; the first stands on line 4."""
    return HEAD + "steps:\n" + "".join(f"  {line}\n" for line in lines)


BRANCH = ("- id: a", "  type: branch", "  config:", "    cases:")

CASES: dict[str, tuple[str | bytes, int, int, str]] = {
    # --- text
    "empty": ("", 1, 1, "empty"),
    "only_a_comment": ("# nothing\n", 1, 1, "empty"),
    "too_large": ("#" * (MAX_BYTES + 1), 1, 1, "limit"),
    "not_utf8": (b"name: shop\nversion: \xff\n", 2, 10, "UTF-8"),
    "control_character": ("name: shop\nversion: \x00\n", 2, 10, "U+0000"),
    "lone_surrogate": ("name: shop\nversion: \ud800\n", 2, 10, "UTF-8"),
    # --- YAML
    "tab_indentation": ("name: shop\n\tversion: 1\n", 2, 1, "Not valid YAML"),
    "unclosed_quote": ('name: "shop\nversion: 1\n', 3, 1, "Not valid YAML"),
    "unclosed_bracket": ("name: [a, b\nversion: 1\n", 2, 8, "Not valid YAML"),
    "bad_indentation": ("name: shop\n version: 1\n", 2, 9, "Not valid YAML"),
    "two_documents": (ONE + "---\nname: b\n", 6, 1, "second document"),
    "duplicate_key": ("name: shop\nversion: '1'\nname: b\n", 3, 1, "Duplicate key 'name'"),
    "duplicate_key_inside": (steps("- id: a", "  type: reply", "  id: b"), 6, 5, "Duplicate"),
    "key_is_a_number": ("1: a\n", 1, 1, "Keys must be words"),
    "key_is_a_list": ("? [a]\n: b\n", 1, 3, "Keys must be words"),
    "anchor": ("name: &x shop\n", 1, 7, "Anchors"),
    "alias": ("name: *x\n", 1, 7, "Aliases"),
    "merge_key_bomb": ("a: &a [x, x]\nb: &b [*a, *a]\n", 1, 4, "Anchors"),
    "python_tag": ("name: !!python/object/apply:os.system [ls]\n", 1, 7, "Tags"),
    "string_tag": ("name: !!str 1\n", 1, 7, "Tags"),
    "too_deep": ("a: " + "[" * 40 + "]" * 40 + "\n", 1, 27, "levels deep"),
    "too_many_values": ("a: [" + "1," * 45_000 + "]\n", 1, 79_997, "values"),
    # --- header
    "root_is_a_list": ("- a\n", 1, 1, "mapping"),
    "root_is_a_word": ("hello\n", 1, 1, "mapping"),
    "name_missing": ('version: "1"\nsteps:\n  - {id: a, type: reply}\n', 1, 1, "'name' is missing"),
    "name_with_capitals": ("name: Shop\n" + ONE[11:], 1, 7, "pattern"),
    "version_is_a_number": ("name: shop\nversion: 1.0\n" + ONE[23:], 2, 10, "string"),
    "version_is_a_word": ("name: shop\nversion: new\n" + ONE[23:], 2, 10, "pattern"),
    "unknown_key": (ONE + "colour: red\n", 6, 1, "Unknown key 'colour'"),
    "trigger_unknown": (ONE + "triggers:\n  - type: smoke\n", 7, 11, "'message'"),
    "trigger_not_a_list": (ONE + "triggers: message\n", 6, 11, "list"),
    "steps_missing": (HEAD, 1, 1, "'steps' is missing"),
    "steps_empty": (HEAD + "steps: []\n", 3, 8, "at least 1"),
    "steps_a_mapping": (HEAD + "steps:\n  a: b\n", 4, 3, "list"),
    "steps_too_many": (
        HEAD + "steps:\n" + "".join(f"  - {{id: s{n}, type: reply}}\n" for n in range(501)),
        504, 10, "at most 500",
    ),
    # --- steps
    "step_is_a_word": (steps("- hello"), 4, 5, "mapping"),
    "id_missing": (steps("- type: reply"), 4, 5, "'id' is missing"),
    "id_with_dash": (steps("- id: a-b", "  type: reply"), 4, 9, "pattern"),
    "id_is_end": (steps("- id: end", "  type: reply"), 4, 9, "means the end"),
    "id_twice": (steps("- {id: a, type: reply}", "- {id: a, type: reply}"), 5, 10, "line 4"),
    "type_missing": (steps("- id: a"), 4, 5, "'type' is missing"),
    "type_unknown": (steps("- id: a", "  type: magic"), 5, 11, "known: ask, branch,"),
    "step_unknown_key": (steps("- id: a", "  type: reply", "  retries: 3"), 6, 5, "'retries'"),
    "config_is_a_word": (steps("- id: a", "  type: reply", "  config: x"), 6, 13, "mapping"),
    "config_unknown_key": (
        steps("- id: a", "  type: knowledge", "  config:", "    limt: 3"), 7, 7, "'limt'",
    ),
    "config_wrong_type": (
        steps("- id: a", "  type: knowledge", "  config:", '    limit: "3"'), 7, 14, "integer",
    ),
    "config_out_of_range": (
        steps("- id: a", "  type: knowledge", "  config: {limit: 99}"), 6, 21, "less than",
    ),
    "config_bool_for_text": (
        steps("- id: a", "  type: knowledge", "  config: {mode: true}"), 6, 20, "string",
    ),
    "branch_without_default": (
        steps(*BRANCH, "      - {when: intent == 'x', next: end}"), 7, 7, "'default' is missing",
    ),
    "branch_without_cases": (
        steps("- id: a", "  type: branch", "  config: {cases: [], default: end}"), 6, 21, "at le",
    ),
    # --- conditions
    "condition_unfinished": (
        steps("- id: a", "  type: router", "  if: intent =="), 6, 18, "does not parse",
    ),
    "condition_unfinished_quoted": (
        steps("- id: a", "  type: router", '  if: "intent == ("'), 6, 21, "does not parse",
    ),
    "condition_in_branch": (
        steps(*BRANCH, "      - when: a ) b", "        next: end", "    default: end"),
        8, 19, "does not parse",
    ),
    "condition_empty": (steps("- id: a", "  type: router", "  if: ''"), 6, 10, "empty"),
    "condition_a_list": (steps("- id: a", "  type: router", "  if: [a]"), 6, 9, "text"),
    "condition_too_long": (
        steps("- id: a", "  type: router", "  if: " + "1 + " * 300 + "1"), 6, 9, "longer",
    ),
    "condition_too_deep": (
        steps("- id: a", "  type: router", "  if: " + "(" * 300 + "1" + ")" * 300), 6, 105, "parse",
    ),
    "condition_unknown_name": (
        steps("- id: a", "  type: router", "  if: intent == 'x' OR intnt == 'y'"),
        6, 26, "Unknown name 'intnt'",
    ),
    "condition_twice": (
        steps("- id: a", "  type: router", "  if: intent == 'x'", "  condition: intent == 'y'"),
        4, 5, "not both",
    ),
    # --- graph
    "next_unknown": (steps("- id: a", "  type: reply", "  next: b"), 6, 11, "no step 'b'"),
    "next_on_escalation": (
        steps("- id: a", "  type: escalation", "  next: end"), 6, 5, "no effect",
    ),
    "next_on_branch": (
        steps(*BRANCH, "      - {when: 'true', next: end}", "    default: end", "  next: end"),
        10, 5, "no effect",
    ),
    "branch_to_nowhere": (
        steps(*BRANCH, "      - {when: 'true', next: b}", "    default: end"), 8, 32, "no step 'b'",
    ),
    "cycle_with_itself": (steps("- id: a", "  type: reply", "  next: a"), 6, 11, "a → a"),
    "cycle_of_two": (
        steps("- {id: a, type: reply}", "- {id: b, type: reply, next: a}"), 5, 32, "a → b → a",
    ),
    "unreachable": (
        steps("- {id: a, type: reply, next: end}", "- {id: b, type: reply}"),
        5, 10, "Nothing leads to the step 'b'",
    ),
    "unreachable_after_escalation": (
        steps("- {id: a, type: escalation}", "- {id: b, type: reply}"), 5, 10, "Nothing leads",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_mistake_is_located(case: str) -> None:
    source, line, column, message = CASES[case]
    if isinstance(source, bytes):
        source = source.decode("utf-8", "surrogateescape")
    with pytest.raises(SpecError) as caught:
        load(source, KINDS, filename="shop.yaml")
    found = caught.value.problems[0]
    assert (found.line, found.column) == (line, column), str(caught.value)
    assert message in found.message
    assert str(caught.value).startswith(f"shop.yaml:{line}:{column}: ")


def test_all_mistakes_are_told_at_once() -> None:
    source = steps(
        "- id: a", "  type: magic", "- id: b", "  type: knowledge", "  config: {limit: 0}",
        "  if: oops ==", "- id: c", "  type: reply", "  wrong: 1",
    )  # fmt: skip
    with pytest.raises(SpecError) as caught:
        load(source, KINDS)
    assert [(found.line, found.pointer) for found in caught.value.problems] == [
        (5, "/steps/0/type"),
        (9, "/steps/1/if"),
        (12, "/steps/2/wrong"),
    ]


def test_pointer_escapes_slashes() -> None:
    with pytest.raises(SpecError) as caught:
        load(ONE + "a/b~c: 1\n", KINDS)
    assert caught.value.problems[0].pointer == "/a~1b~0c"
