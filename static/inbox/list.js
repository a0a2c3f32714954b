/** The list of conversations: read again when something happened, without losing one's place. */

import { localiseTimes } from "./times.js";

// Ten events in a burst make one request.
const GATHER = 120;

export class List {
  #root;
  #rows;
  #timer = null;
  #running = false;
  #again = false;
  #current = null;

  constructor({ root }) {
    this.#root = root;
    this.#rows = root.querySelector("#inbox-rows");
  }

  get links() {
    return [...this.#rows.querySelectorAll("a.inbox-row")];
  }

  /** Move the keyboard's place by `step` rows. */
  move(step) {
    const { links } = this;
    if (!links.length) return;
    const focused = links.indexOf(document.activeElement);
    const from = focused >= 0 ? focused : links.findIndex((link) => link.dataset.conversation === this.#current);
    const to = Math.min(links.length - 1, Math.max(0, from < 0 ? 0 : from + step));
    links[to].focus();
    links[to].scrollIntoView({ block: "nearest" });
  }

  /** Mark the open conversation. */
  mark(id) {
    this.#current = id;
    for (const link of this.links) {
      const isOpen = link.dataset.conversation === id;
      if (isOpen) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
      if (isOpen) link.removeAttribute("data-unread");
    }
  }

  /** Read the list again in a moment; events that never pause do not put it off. */
  refreshSoon() {
    this.#timer ??= setTimeout(() => this.#refresh(), GATHER);
  }

  async #refresh() {
    this.#timer = null;
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    try {
      const response = await fetch(this.#address(), { credentials: "same-origin" });
      if (response.ok && !response.redirected) this.#replace(await response.text());
    } catch {
      // The line is down; the next news or the poll asks again.
      this.#again = false;
    } finally {
      this.#running = false;
    }
    if (this.#again) {
      this.#again = false;
      this.refreshSoon();
    }
  }

  #address() {
    const query = new URLSearchParams({ view: this.#root.dataset.view });
    if (this.#root.dataset.label) query.set("label", this.#root.dataset.label);
    const q = this.#root.querySelector("#inbox-search").value.trim();
    if (q && new URLSearchParams(location.search).get("q") === q) {
      query.set("q", q);
      if (this.#root.dataset.cursor) query.set("cursor", this.#root.dataset.cursor);
    }
    return `${this.#root.dataset.list}?${query}`;
  }

  #replace(html) {
    const focused = document.activeElement?.dataset?.conversation;
    const scroll = this.#rows.querySelector(".inbox-rows")?.scrollTop ?? 0;
    const fresh = new DOMParser().parseFromString(html, "text/html");
    this.#rows.replaceChildren(...fresh.body.childNodes);
    this.mark(this.#current);
    localiseTimes(this.#rows);
    const box = this.#rows.querySelector(".inbox-rows");
    if (box) box.scrollTop = scroll;
    if (focused) this.links.find((link) => link.dataset.conversation === focused)?.focus({ preventScroll: true });
  }
}
