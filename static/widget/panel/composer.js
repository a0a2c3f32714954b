/** The writing field: grows with its text, sends on Enter, tells others that someone types. */

const TYPING_EVERY = 3_000;

export class Composer extends EventTarget {
  #form;
  #field;
  #button;
  #limit;
  #tray;
  #typedAt = 0;

  constructor({ form, limit, tray = { count: 0, isBusy: false } }) {
    super();
    this.#form = form;
    this.#field = form.querySelector("textarea");
    this.#button = form.querySelector("button[type=submit]");
    this.#limit = limit;
    this.#tray = tray;
    tray.addEventListener?.("change", () => this.#adjust());
    this.#field.addEventListener("keydown", (event) => this.#key(event));
    this.#field.addEventListener("input", () => this.#typed());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#adjust();
  }

  get text() {
    return this.#field.value;
  }

  set text(value) {
    this.#field.value = value;
    this.#adjust();
  }

  focus() {
    this.#field.focus({ preventScroll: true });
  }

  #key(event) {
    // While an input method composes, Enter chooses a candidate.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#send();
  }

  #typed() {
    this.#adjust();
    this.dispatchEvent(new CustomEvent("draft", { detail: this.text }));
    const now = Date.now();
    if (!this.text.trim() || now - this.#typedAt < TYPING_EVERY) return;
    this.#typedAt = now;
    this.dispatchEvent(new CustomEvent("typing"));
  }

  #send() {
    const text = this.text.trim();
    if (this.#tray.isBusy) return void this.dispatchEvent(new CustomEvent("busy"));
    if (!text && !this.#tray.count) return;
    if (text.length > this.#limit) {
      this.dispatchEvent(new CustomEvent("too-long", { detail: { length: text.length, limit: this.#limit } }));
      return;
    }
    this.text = "";
    this.#typedAt = 0;
    this.dispatchEvent(new CustomEvent("draft", { detail: "" }));
    this.dispatchEvent(new CustomEvent("send", { detail: text }));
    this.focus();
  }

  #adjust() {
    // aria-disabled, not disabled: the button keeps its place in the focus order.
    this.#button.setAttribute("aria-disabled", String(this.#tray.isBusy || !(this.text.trim() || this.#tray.count)));
    if (CSS.supports("field-sizing", "content")) return;
    this.#field.style.setProperty("height", "auto");
    this.#field.style.setProperty("height", `${this.#field.scrollHeight}px`);
  }
}
