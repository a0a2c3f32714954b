/**
 * Canned replies in the reply field: `/` at the start of a word opens a list, the arrows choose,
 * Enter or Tab fills the text in, Escape closes. The server searches and fills what texts leave open.
 */

const GATHER = 80;
const ASKED = /(^|\s)\/([^\s/]{0,40})$/;

export class Canned {
  #field;
  #list;
  #status;
  #words;
  #timer = null;
  #asked = null;
  #dismissed = null;

  constructor({ field, list, status, words }) {
    this.#field = field;
    this.#list = list;
    this.#status = status;
    this.#words = words;
    field.addEventListener("input", () => this.#typed());
    field.addEventListener("keydown", (event) => this.#pressed(event));
    field.addEventListener("blur", () => this.#close());
    list.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus
    list.addEventListener("click", (event) => this.#fill(event.target.closest("[role=option]")));
  }

  /** Open the list as if `/` had been typed. */
  open() {
    const { value, selectionStart } = this.#field;
    const gap = /\S$/.test(value.slice(0, selectionStart)) ? " " : "";
    this.#field.focus();
    this.#field.setRangeText(`${gap}/`, selectionStart, this.#field.selectionEnd, "end");
    this.#typed();
  }

  get #options() {
    return [...this.#list.children];
  }

  get #chosen() {
    return this.#options.find((option) => option.getAttribute("aria-selected") === "true");
  }

  #query() {
    const { value, selectionStart, selectionEnd } = this.#field;
    return selectionStart === selectionEnd ? ASKED.exec(value.slice(0, selectionStart)) : null;
  }

  #typed() {
    clearTimeout(this.#timer);
    const found = this.#query();
    if (!found) this.#dismissed = null;
    if (!found || this.#dismissed === found.index) return void this.#close();
    this.#timer = setTimeout(() => this.#ask(found[2]), GATHER);
    return undefined;
  }

  async #ask(query) {
    this.#asked?.abort();
    this.#asked = new AbortController();
    const url = `${this.#list.dataset.choices}?${new URLSearchParams({ q: query })}`;
    try {
      const response = await fetch(url, { credentials: "same-origin", signal: this.#asked.signal });
      if (!response.ok || response.redirected) return;
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
      this.#show([...fresh.body.children]);
    } catch {
      this.#close(); // a newer question, or no line: the slash is then just a slash
    }
  }

  #show(options) {
    if (!this.#query() || document.activeElement !== this.#field) return;
    this.#list.replaceChildren(...options);
    this.#list.hidden = !options.length;
    this.#status.textContent = this.#words.canned.replace("{count}", options.length);
    this.#choose(options[0]);
  }

  #choose(option) {
    for (const each of this.#options) each.setAttribute("aria-selected", String(each === option));
    option?.scrollIntoView({ block: "nearest" });
    if (option) this.#field.setAttribute("aria-activedescendant", option.id);
    else this.#field.removeAttribute("aria-activedescendant");
  }

  #pressed(event) {
    if (this.#list.hidden || event.isComposing) return;
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in moves) this.#move(moves[event.key]);
    else if (event.key === "Enter" || event.key === "Tab") this.#fill(this.#chosen);
    else if (event.key === "Escape") this.#dismiss();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #move(step) {
    const options = this.#options;
    const at = options.indexOf(this.#chosen) + step;
    this.#choose(options[(at + options.length) % options.length]);
  }

  #dismiss() {
    this.#dismissed = this.#query()?.index ?? null;
    this.#close();
  }

  #fill(option) {
    const found = this.#query();
    if (!option || !found) return;
    const from = found.index + found[1].length;
    this.#field.setRangeText(option.dataset.text, from, this.#field.selectionStart, "end");
    this.#close();
    this.#field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  #close() {
    clearTimeout(this.#timer);
    this.#asked?.abort();
    this.#list.hidden = true;
    this.#list.replaceChildren();
    this.#status.textContent = "";
    this.#field.removeAttribute("aria-activedescendant");
  }
}
