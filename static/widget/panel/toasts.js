/** Short errors that go away by themselves, or at a press of a button. */

import { h, icon } from "../shared/dom.js";
import { t } from "./words.js";

const STAYS = 7_000;

export function toast(region, text) {
  const node = h("div", { class: "toast" }, icon("alert"), h("p", {}, text));
  node.append(h("button", { type: "button", "aria-label": t("dismiss"), onclick: () => node.remove() }, icon("close")));
  // The same trouble twice needs saying once.
  for (const other of region.children) if (other.querySelector("p").textContent === text) other.remove();
  region.append(node);
  setTimeout(() => node.remove(), STAYS);
}
