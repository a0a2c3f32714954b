/**
 * One open conversation.
 *
 * `update` reads what is new since the last message shown and puts it in place; calls run one
 * after another, so nothing appears twice. A reply shows at once and is replaced by what the
 * server made of it; its client id makes sending it again harmless.
 */

import { randomId } from "../widget/shared/dom.js";
import { renderPlain } from "../widget/shared/markdown.js";
import { csrfToken } from "../js/csrf.js";
import { toast } from "../js/toast.js";
import { Canned } from "./canned.js";
import { makeTray, pendingFiles } from "./attachments.js";
import { localiseTimes } from "./times.js";

const TYPING_EVERY = 3_000;
const TYPING_STAYS = 6_000;
const NEAR_BOTTOM = 120;

export class Conversation {
  #article;
  #words;
  #live;
  #parts;
  #queue = Promise.resolve();
  #waiting = false;
  #disposed = false;
  #tray;
  #typedAt = 0;
  #typingTimer = null;

  constructor({ article, words, live }) {
    this.#article = article;
    this.#words = words;
    this.#live = live;
    const part = (name) => article.querySelector(`#inbox-${name}`);
    this.#parts = Object.fromEntries(
      ["head", "log", "messages", "typing", "composer", "reply", "locked", "about", "notes", "note-form", "note", "pending", "canned", "canned-status"].map((name) => [name, part(name)]),
    );
    const { reply, canned } = this.#parts;
    // Before our own listeners: while its list is open, Enter chooses instead of sending.
    this.canned = new Canned({ field: reply, list: canned, status: this.#parts["canned-status"], words });
    this.#tray = makeTray({ article, composer: this.#parts.composer, reply: this.#parts.reply, words });
    this.#listen();
    this.#applyState();
  }

  get id() {
    return this.#article.dataset.conversation;
  }

  get lastSeq() {
    const nodes = this.#parts.messages.querySelectorAll("[data-seq]");
    return Math.max(0, ...[...nodes].map((node) => Number(node.dataset.seq)));
  }

  start() {
    this.#scrollDown();
    this.#live.read(this.id, this.lastSeq);
    if (matchMedia("(pointer: fine)").matches) this.#parts.log.focus({ preventScroll: true });
  }

  dispose() {
    this.#disposed = true;
    clearTimeout(this.#typingTimer);
  }

  focusReply() {
    this.#parts.reply.focus();
  }

  /** Press the button of an action ("claim", "resolve", "hand_back") if it is there. */
  act(key) {
    this.#parts.head.querySelector(`form[data-action="${key}"]`)?.requestSubmit();
  }

  /** Read what is new; a call that comes while one waits is covered by it. */
  update() {
    if (this.#waiting) return this.#queue;
    this.#waiting = true;
    return this.#enqueue(() => {
      this.#waiting = false;
      return this.#request(this.#updatesAddress());
    });
  }

  showTyping({ name }) {
    const { typing } = this.#parts;
    clearTimeout(this.#typingTimer);
    const stick = this.#isAtBottom();
    typing.querySelector("[data-text]").textContent = this.#words.typing.replace("{name}", name || this.#article.dataset.name);
    typing.hidden = false;
    if (stick) this.#scrollDown();
    this.#typingTimer = setTimeout(() => (typing.hidden = true), TYPING_STAYS);
  }

  #listen() {
    this.#article.addEventListener("submit", (event) => this.#submitted(event));
    this.#article.addEventListener("click", (event) => {
      if (event.target.closest("[data-customer-toggle]")) this.#toggleCustomer();
      const retry = event.target.closest("[data-retry]");
      if (retry) this.#send(retry.closest("[data-pending]"));
    });
    this.#parts.reply.addEventListener("keydown", (event) => {
      if (event.defaultPrevented || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#parts.composer.requestSubmit();
    });
    this.#parts.reply.addEventListener("input", () => this.#typed());
    // What somebody has chosen and not yet saved outlives what comes in meanwhile.
    this.#parts.about.addEventListener("input", ({ target }) => target.form?.setAttribute("data-changed", ""));
  }

  /* ---- out ------------------------------------------------------------------------------------ */

  #submitted(event) {
    event.preventDefault();
    const form = event.target;
    if (form === this.#parts.composer) this.#reply();
    else this.#action(form);
  }

  focusNote() {
    this.#parts.note?.focus();
  }

  #reply() {
    const { reply, pending, messages } = this.#parts;
    const text = reply.value.trim();
    if (this.#tray.isBusy) return void toast(this.#words.files_wait, "error");
    const files = this.#tray.take();
    if (!text && !files.length) return;
    const node = pending.content.firstElementChild.cloneNode(true);
    const bubble = node.querySelector(".inbox-bubble");
    if (text) bubble.append(renderPlain(text));
    if (files.length) bubble.append(pendingFiles(files));
    Object.assign(node.dataset, { text, clientId: randomId(), attachments: files.map(({ id }) => id).join(",") });
    messages.append(node);
    reply.value = "";
    this.#typedAt = 0;
    this.#scrollDown();
    this.#send(node);
  }

  #send(node) {
    this.#mark(node, "sending");
    const { text, clientId, attachments } = node.dataset;
    const body = new URLSearchParams({ text, client_id: clientId, attachments });
    this.#enqueue(async () => {
      const done = await this.#request(this.#withAfter(this.#parts.composer.action), { method: "POST", body });
      if (done) node.remove();
      else this.#mark(node, "failed");
    });
  }

  #mark(node, state) {
    node.toggleAttribute("data-failed", state === "failed");
    node.querySelector("[data-note]").textContent = this.#words[state];
    node.querySelector("[data-retry]").hidden = state !== "failed";
  }

  #action(form) {
    const button = form.querySelector("button");
    const body = new URLSearchParams(new FormData(form));
    form.removeAttribute("data-changed");
    button.setAttribute("aria-disabled", "true");
    this.#enqueue(async () => {
      const done = await this.#request(this.#withAfter(form.action), { method: "POST", body });
      button.removeAttribute("aria-disabled");
      if (!done) await this.#request(this.#updatesAddress());
      else if (form.dataset.action === "claim") this.focusReply();
      else if (["triage", "assign", "requeue"].includes(form.dataset.action)) toast(this.#words.saved, "success");
      else if (form === this.#parts["note-form"]) this.#noteSent(form);
    });
  }

  /** Empty the field; the next note has a client id of its own, a repetition of this one had not. */
  #noteSent(form) {
    form.reset();
    form.elements.client_id.value = `note-${randomId()}`;
  }

  #typed() {
    const now = Date.now();
    if (!this.#parts.reply.value.trim() || now - this.#typedAt < TYPING_EVERY) return;
    this.#typedAt = now;
    this.#live.typing(this.id);
  }

  /* ---- in -------------------------------------------------------------------------------------- */

  #enqueue(work) {
    this.#queue = this.#queue.then(() => (this.#disposed ? undefined : work()));
    return this.#queue;
  }

  #updatesAddress() {
    return this.#withAfter(this.#article.dataset.updates);
  }

  #withAfter(address) {
    const url = new URL(address, location.href);
    url.searchParams.set("after", this.lastSeq);
    return url.href;
  }

  /** Ask the server and show its answer; false, with a notice, if it refused. */
  async #request(url, options = {}) {
    const headers = { Accept: "application/problem+json", "X-CSRFToken": csrfToken() };
    try {
      const response = await fetch(url, { credentials: "same-origin", headers, ...options });
      if (response.redirected) location.reload();
      if (response.ok) {
        this.#show(await response.text());
        return true;
      }
      const problem = await response.json().catch(() => ({}));
      toast(problem.detail || this.#words.trouble, "error");
    } catch {
      if (options.method) toast(this.#words.line_down, "error");
    }
    return false;
  }

  #show(html) {
    if (this.#disposed) return;
    const stick = this.#isAtBottom();
    const fresh = new DOMParser().parseFromString(html, "text/html");
    const part = (name) => fresh.querySelector(`template[data-part="${name}"]`).content;
    this.#parts.head.replaceChildren(part("head"));
    this.#replaceAbout(part("about"));
    this.#parts.notes.replaceChildren(part("notes"));
    this.#append([...part("messages").children]);
    this.#applyState();
    localiseTimes(this.#article);
    if (stick) this.#scrollDown();
    this.#live.read(this.id, this.lastSeq);
  }

  /** Show what is known of the customer and the triage, unless somebody is just changing it. */
  #replaceAbout(fresh) {
    if (!this.#parts.about.querySelector(".inbox-triage :focus, .inbox-triage[data-changed]")) this.#parts.about.replaceChildren(fresh);
  }

  #append(nodes) {
    const known = this.lastSeq;
    const waiting = this.#parts.messages.querySelector("[data-pending]");
    for (const node of nodes) {
      if (Number(node.dataset.seq) <= known) continue;
      node.setAttribute("data-new", "");
      this.#parts.messages.insertBefore(node, waiting);
      if (node.dataset.author === "visitor") this.#parts.typing.hidden = true;
    }
  }

  /** Who may write is the server's word; the field keeps its draft either way. */
  #applyState() {
    const { locked } = this.#parts.head.querySelector("#inbox-state").dataset;
    this.#parts.composer.toggleAttribute("data-locked", Boolean(locked));
    this.#parts.locked.querySelector("[data-text]").textContent = locked;
  }

  #toggleCustomer() {
    const shown = this.#article.toggleAttribute("data-customer");
    this.#parts.head.querySelector("[data-customer-toggle]").setAttribute("aria-expanded", String(shown));
  }

  #isAtBottom() {
    const { scrollHeight, scrollTop, clientHeight } = this.#parts.log;
    return scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM;
  }

  #scrollDown() {
    this.#parts.log.scrollTop = this.#parts.log.scrollHeight;
  }
}
