/** The foot of the list: who of the team is there, and whether conversations come to me. */

import { csrfToken } from "../js/csrf.js";
import { toast } from "../js/toast.js";

// Somebody who goes silently is noticed without a frame that says so.
const EVERY = 60_000;

export class Team {
  #root;
  #words;

  constructor({ root, words }) {
    this.#root = root;
    this.#words = words;
    root.addEventListener("submit", (event) => this.#submitted(event));
    setInterval(() => this.refresh(), EVERY);
  }

  /** Read again who is there. */
  refresh() {
    return this.#request(this.#root.dataset.team);
  }

  async #submitted(event) {
    event.preventDefault();
    const form = event.target;
    const body = new URLSearchParams(new FormData(form));
    const done = await this.#request(form.action, { method: "POST", body });
    if (done) this.#root.querySelector("button")?.focus();
    else toast(this.#words.trouble, "error");
  }

  async #request(url, options = {}) {
    const headers = { Accept: "application/problem+json", "X-CSRFToken": csrfToken() };
    try {
      const response = await fetch(url, { credentials: "same-origin", headers, ...options });
      if (!response.ok || response.redirected) return false;
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
      this.#root.replaceChildren(...fresh.body.childNodes);
      return true;
    } catch {
      return false;
    }
  }
}
