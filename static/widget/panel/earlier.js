/** The visitor's earlier conversations, to go back to before a new one begins. */

import { h, icon } from "../shared/dom.js";
import { moment } from "../shared/time.js";
import { t } from "./words.js";

/** Draw the list at the end of the welcome; `open(id)` goes to one. */
export function drawEarlier({ after, conversations, open }) {
  document.getElementById("earlier")?.remove();
  if (!conversations.length) return;
  const items = conversations.map(({ id, preview, at }) =>
    h(
      "li",
      {},
      h(
        "button",
        { type: "button", onclick: () => open(id) },
        h("span", { class: "earlier-text" }, h("span", { class: "earlier-preview", dir: "auto" }, preview), h("time", { datetime: at }, moment(at))),
        icon("forward"),
      ),
    ),
  );
  after.append(h("section", { id: "earlier", class: "earlier", "aria-labelledby": "earlier-title" }, h("h3", { id: "earlier-title" }, t("earlier")), h("ul", { class: "suggestions" }, ...items)));
}
