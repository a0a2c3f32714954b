/** What the panel asks above the writing field: one card at a time, said to screen readers once. */

import { h } from "../shared/dom.js";

export class Cards {
  #place;
  #said;
  #kind = "";

  constructor({ place, said }) {
    this.#place = place;
    this.#said = said;
  }

  get kind() {
    return this.#kind;
  }

  /** Show a card; `title` is what a screen reader hears of it. */
  show(kind, node, title) {
    this.#kind = kind;
    this.#place.replaceChildren(node);
    this.#place.dataset.kind = kind;
    this.#place.setAttribute("aria-label", title);
    this.#place.hidden = false;
    this.#said.textContent = title;
  }

  /** Put a short text in a card's place, such as thanks. */
  thank(kind, text, ...more) {
    this.show(kind, h("p", { class: "card-thanks" }, text, ...more), text);
  }

  /** Take the card away, if it is of one of these kinds (of any, where none is named). */
  hide(...kinds) {
    if (kinds.length && !kinds.includes(this.#kind)) return;
    this.#kind = "";
    this.#place.hidden = true;
    this.#place.replaceChildren();
    this.#said.textContent = "";
  }
}
