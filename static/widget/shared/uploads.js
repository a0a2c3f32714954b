/**
 * Files that are about to be sent: chosen, pasted or dropped, uploaded one after another with
 * progress, removed again, tried again when the line is back.
 *
 * `request()` returns {url, headers, removal(id)} or null while nothing can be uploaded yet; `t` is
 * the page's dictionary. Events: `change`, `refused` (detail: a sentence).
 */

import { h, icon } from "./dom.js";

const MEGABYTE = 1024 * 1024;
const RETRY_AFTER = 5_000;

/** A size in words: 12 KB, 3.4 MB. */
export function sizeText(bytes) {
  const [value, unit] = bytes < MEGABYTE ? [Math.max(1, bytes / 1024), "kilobyte"] : [bytes / MEGABYTE, "megabyte"];
  const digits = unit === "megabyte" ? 1 : 0;
  return new Intl.NumberFormat(document.documentElement.lang || "en", { style: "unit", unit, maximumFractionDigits: digits }).format(value);
}

export class Tray extends EventTarget {
  #list;
  #limits;
  #t;
  #request;
  #previews;
  #items = [];
  #timer = null;

  constructor({ list, limits, t, request, previews = false }) {
    super();
    this.#list = list;
    this.#limits = limits;
    this.#t = t;
    this.#request = request;
    this.#previews = previews;
    globalThis.addEventListener("online", () => this.resume());
  }

  /** Whether something is still on its way. */
  get isBusy() {
    return this.#items.some(({ state }) => state === "waiting" || state === "sending");
  }

  /** How many files could be sent now. */
  get count() {
    return this.#items.filter(({ state }) => state === "ready").length;
  }

  /** Take files in; what is wrong with one is said at once where it can be known here. */
  add(files) {
    for (const file of files) {
      const fault = this.#fault(file);
      if (fault) this.#emit("refused", fault);
      else this.#begin(file);
    }
    this.#changed();
    this.resume();
  }

  /** Give the uploaded files and forget them; what failed stays. */
  take() {
    const taken = this.#items.filter(({ state }) => state === "ready");
    this.#items = this.#items.filter((item) => !taken.includes(item));
    for (const { node } of taken) node.remove();
    this.#changed();
    return taken.map(({ part, preview }) => ({ ...part, preview }));
  }

  clear() {
    for (const item of [...this.#items]) this.#remove(item);
  }

  /** Go on with what waits; the line may be back. */
  resume() {
    clearTimeout(this.#timer);
    if (this.#items.some(({ state }) => state === "sending")) return;
    const next = this.#items.find(({ state }) => state === "waiting");
    const request = next && this.#request();
    if (request) this.#upload(next, request);
  }

  #fault(file) {
    const values = { name: file.name, limit: Math.round(this.#limits.max_bytes / MEGABYTE), n: this.#limits.max_files };
    if (this.#items.length >= this.#limits.max_files) return this.#t("files_too_many", values);
    if (file.size > this.#limits.max_bytes) return this.#t("file_too_large", values);
    if (!file.size) return this.#t("file_empty", values);
    const ending = `.${file.name.split(".").at(-1).toLowerCase()}`;
    return this.#limits.accept.split(",").includes(ending) ? "" : this.#t("file_type", values);
  }

  #begin(file) {
    const item = { file, state: "waiting", part: null, preview: null, call: null };
    if (this.#previews && file.type.startsWith("image/")) item.preview = URL.createObjectURL(file);
    item.node = this.#draw(item);
    this.#items.push(item);
    this.#list.append(item.node);
  }

  #draw(item) {
    const { name, size } = item.file;
    item.bar = h("progress", { max: "100", value: "0", "aria-label": this.#t("file_uploading", { name }) });
    item.note = h("span", { class: "upload-note" }, sizeText(size));
    item.again = h("button", { type: "button", hidden: true, "aria-label": this.#t("file_retry", { name }), onclick: () => this.#again(item) }, icon("refresh"));
    const remove = h("button", { type: "button", "aria-label": this.#t("file_remove", { name }), onclick: () => this.#removed(item) }, icon("close"));
    const face = item.preview ? h("img", { src: item.preview, alt: "" }) : icon("source");
    const text = h("span", { class: "upload-text" }, h("span", { class: "upload-name", dir: "auto", title: name }, name), item.note, item.bar);
    return h("li", { class: "upload", "data-state": item.state }, face, text, item.again, remove);
  }

  #upload(item, { url, headers }) {
    const call = new XMLHttpRequest();
    const body = new FormData();
    body.append("file", item.file, item.file.name);
    item.call = call;
    this.#mark(item, "sending");
    call.open("POST", url);
    for (const [name, value] of Object.entries({ Accept: "application/json", ...headers })) call.setRequestHeader(name, value);
    call.responseType = "json";
    call.upload.onprogress = ({ loaded, total }) => item.bar.setAttribute("value", String(Math.round((loaded / total) * 100)));
    call.onload = () => this.#answered(item, call);
    call.onerror = () => this.#lineLost(item);
    call.send(body);
  }

  #answered(item, call) {
    if (call.status === 201) {
      item.part = call.response;
      this.#mark(item, "ready");
    } else if (call.status === 429 || call.status >= 500) return void this.#lineLost(item);
    else this.#failed(item, call.response?.detail || this.#t("file_failed"));
    this.resume();
  }

  /** Nothing is wrong with the file: it is sent again, by itself or at a press of the button. */
  #lineLost(item) {
    this.#mark(item, "waiting", this.#t("file_waiting"));
    item.again.hidden = false;
    this.#timer = setTimeout(() => this.resume(), RETRY_AFTER);
  }

  #failed(item, reason) {
    this.#mark(item, "failed", reason);
    this.#emit("refused", `${item.file.name}: ${reason}`);
  }

  #again(item) {
    this.#mark(item, "waiting");
    this.resume();
  }

  #mark(item, state, note = sizeText(item.file.size)) {
    item.state = state;
    item.node.dataset.state = state;
    item.note.textContent = note;
    item.again.hidden = true;
    this.#changed();
  }

  #removed(item) {
    const next = item.node.nextElementSibling ?? item.node.previousElementSibling;
    this.#remove(item);
    if (next) next.querySelector("button:last-child").focus();
    else this.#emit("emptied");
  }

  #remove(item) {
    item.call?.abort();
    item.node.remove();
    this.#items.splice(this.#items.indexOf(item), 1);
    if (item.preview) URL.revokeObjectURL(item.preview);
    const request = item.part && this.#request();
    // Not sent, it would be swept; told now, it makes room.
    if (request) fetch(request.removal(item.part.id), { method: "DELETE", headers: request.headers }).catch(() => null);
    this.#changed();
    this.resume();
  }

  #changed() {
    this.#list.hidden = !this.#items.length;
    this.#emit("change");
  }

  #emit(name, detail = null) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** Let files come in by button, by pasting into `field`, and by dropping on `area`. */
export function takeFiles({ tray, button, input, field, area, isOpen = () => true }) {
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    tray.add(input.files);
    input.value = "";
    field.focus({ preventScroll: true });
  });
  field.addEventListener("paste", (event) => {
    if (!event.clipboardData?.files.length || !isOpen()) return;
    event.preventDefault();
    tray.add(event.clipboardData.files);
  });
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files") && isOpen();
  let depth = 0;
  const over = (change) => area.toggleAttribute("data-dropping", (depth = Math.max(0, depth + change)) > 0);
  area.addEventListener("dragenter", (event) => hasFiles(event) && over(1));
  area.addEventListener("dragleave", (event) => hasFiles(event) && over(-1));
  area.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  area.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    over(-depth);
    tray.add(event.dataTransfer.files);
  });
}
