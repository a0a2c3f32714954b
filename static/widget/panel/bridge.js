/**
 * The panel's side of the talk with the page that embeds it.
 *
 * The parent's origin comes from the server, which has checked it against the origins this widget
 * may be embedded on; messages go to that origin only and are believed from that window only.
 */

const NAME = "frontdesk";

export class Bridge extends EventTarget {
  #parentOrigin;

  constructor(parentOrigin) {
    super();
    this.#parentOrigin = parentOrigin;
    window.addEventListener("message", (event) => this.#hear(event));
  }

  get isEmbedded() {
    return window.parent !== window && Boolean(this.#parentOrigin);
  }

  tell(type, data = {}) {
    if (this.isEmbedded) window.parent.postMessage({ from: NAME, type, ...data }, this.#parentOrigin);
  }

  #hear({ data, origin, source }) {
    if (source !== window.parent || origin !== this.#parentOrigin) return;
    if (data?.from !== NAME || typeof data.type !== "string") return;
    this.dispatchEvent(new CustomEvent(data.type, { detail: data }));
  }
}
