/**
 * What the panel remembers between visits: the visitor's token, unsent messages, the draft.
 *
 * Browsers may forbid storage in an embedded page; then it is remembered for this page view only.
 */

export class Storage {
  #prefix;
  #memory = new Map();
  #store;

  constructor(prefix, store = undefined) {
    this.#prefix = `frontdesk:${prefix}:`;
    try {
      this.#store = store ?? globalThis.localStorage;
      this.#store.getItem("probe");
    } catch {
      this.#store = null;
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
    }
  }

  remove(name) {
    this.#memory.delete(name);
    try {
      this.#store?.removeItem(this.#prefix + name);
    } catch {
      // Nothing is kept there, which is what was asked for.
    }
  }
}
