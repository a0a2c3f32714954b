/** Keyboard shortcuts; silent while someone types or a dialog is open. */

function isTyping(target) {
  return target.closest("input, textarea, select, [contenteditable]") !== null;
}

export function installKeys({ list, conversation, search, help }) {
  const actions = {
    j: () => list.move(1),
    k: () => list.move(-1),
    r: () => conversation()?.focusReply(),
    n: () => conversation()?.focusNote(),
    e: () => conversation()?.act("resolve"),
    c: () => conversation()?.act("claim"),
    "/": () => search.focus(),
    "?": () => help.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented) return;
    if (event.key === "Escape" && isTyping(event.target)) event.target.blur();
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]") || !Object.hasOwn(actions, event.key)) return;
    event.preventDefault();
    actions[event.key]();
  });
}
