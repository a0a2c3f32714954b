/**
 * What the panel remembers between visits: the visitor's token, unsent messages, the draft.
 *
 * Many browsers give an embedded page no storage of its own. Then the embedding page keeps it (one
 * text, handed over by `restore` and the `kept` event); where nobody can, it lasts for the page view.
 */

export class Storage extends EventTarget {
  #prefix;
  #memory = new Map();
  #store;
  #isRestored = false;

  constructor(prefix, store = undefined) {
    super();
    this.#prefix = `frontdesk:${prefix}:`;
    try {
      this.#store = store ?? globalThis.localStorage;
      this.#store.getItem("probe");
    } catch {
      this.#store = null;
    }
  }

  /** Take back what the embedding page kept; ignored where there is storage of one's own. */
  restore(kept) {
    this.#isRestored = true;
    if (this.#store) return;
    try {
      for (const [name, value] of Object.entries(JSON.parse(kept ?? "{}"))) {
        if (!this.#memory.has(name)) this.#memory.set(name, value);
      }
    } catch {
      // Not ours, or damaged: begin anew.
    }
  }

  get(name) {
    if (this.#memory.has(name)) return this.#memory.get(name);
    try {
      return JSON.parse(this.#store?.getItem(this.#prefix + name) ?? "null");
    } catch {
      return null;
    }
  }

  set(name, value) {
    try {
      if (!this.#store) throw new Error("no storage");
      this.#store.setItem(this.#prefix + name, JSON.stringify(value));
      this.#memory.delete(name);
    } catch {
      this.#memory.set(name, value);
      this.#hand();
    }
  }

  remove(name) {
    this.#memory.delete(name);
    if (this.#store) this.#store.removeItem(this.#prefix + name);
    else this.#hand();
  }

  #hand() {
    // Before that, what is kept would be overwritten by the little we know.
    if (!this.#isRestored) return;
    const detail = JSON.stringify(Object.fromEntries(this.#memory));
    this.dispatchEvent(new CustomEvent("kept", { detail }));
  }
}
