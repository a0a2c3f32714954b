/** Draw the conversation. Nodes are kept by key, so a live region announces each message once. */

import { h, icon, initials } from "../shared/dom.js";
import { renderMarkdown, renderPlain, safeUrl } from "../shared/markdown.js";
import { clock, day, full } from "../shared/time.js";
import { t } from "./words.js";

const NEAR_BOTTOM = 80;
// Messages of one author within this time are one group: one name, one face.
const GROUP_MS = 5 * 60_000;

const dayKey = (iso) => new Date(iso).toDateString();

function sameGroup(a, b) {
  return (
    a && b && a.author === b.author && a.name === b.name && a.author !== "system" &&
    dayKey(a.at) === dayKey(b.at) && Math.abs(new Date(b.at) - new Date(a.at)) < GROUP_MS
  );
}

/** What a system message says, in the visitor's language where its kind is known. */
function systemText({ kind, name, text }) {
  const words = kind && document.documentElement.lang !== "en" ? t(`said_${kind}`, { name }) : "";
  // A text for a special reason is more than its kind.
  return words && !words.startsWith("said_") ? words : text;
}

function sourceLink(citation, children, look) {
  const href = safeUrl(citation.url, location.origin);
  if (!href) return null;
  const label = t("source", { n: citation.number, title: citation.title });
  return h("a", { ...look, href, target: "_blank", rel: "noopener", title: citation.quote || citation.title, "aria-label": label }, ...children);
}

/** Give a function that takes the citations of a number one after another: each sentence its own. */
function citationsInTurn(citations) {
  const taken = new Map();
  return (number) => {
    const found = citations.filter((citation) => citation.number === number);
    const turn = taken.get(number) ?? 0;
    taken.set(number, turn + 1);
    return found[Math.min(turn, found.length - 1)];
  };
}

/** The list below an answer: a source once, however many sentences come from it. */
function sources(citations) {
  const firsts = citations.filter((citation, at) => citations.findIndex(({ number }) => number === citation.number) === at);
  const items = firsts.map((citation) => {
    const parts = [h("span", { class: "number" }, String(citation.number)), h("span", { class: "title" }, citation.title)];
    const link = sourceLink(citation, parts, {});
    return link && h("li", {}, link);
  });
  return items.some(Boolean) ? h("ul", { class: "sources", "aria-label": t("sources") }, ...items) : null;
}

export class MessagesView extends EventTarget {
  #log;
  #tenant;
  #files;
  #nodes = new Map();
  #latest;
  #stream = null;
  #typing = null;

  constructor({ log, latest, tenant, files }) {
    super();
    this.#log = log;
    this.#tenant = tenant;
    this.#files = files;
    this.#latest = latest;
    log.addEventListener("scroll", () => this.isAtBottom && (latest.hidden = true), { passive: true });
    latest.addEventListener("click", () => this.scrollDown());
    // What takes room below must not hide what was last said.
    let wasAtBottom = true;
    log.addEventListener("scroll", () => (wasAtBottom = this.isAtBottom), { passive: true });
    new ResizeObserver(() => wasAtBottom && this.scrollDown()).observe(log);
  }

  get isAtBottom() {
    const { scrollHeight, scrollTop, clientHeight } = this.#log;
    return scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM;
  }

  scrollDown(behavior = "auto") {
    this.#log.scrollTo({ top: this.#log.scrollHeight, behavior });
    this.#latest.hidden = true;
  }

  /** Show `items` in order; reuse what is already there. `offersPerson` allows the hand-over button. */
  show(items, { offersPerson }) {
    const stick = this.isAtBottom || items.at(-1)?.state === "sending";
    const wanted = [];
    items.forEach((item, index) => {
      const before = items[index - 1];
      if (!before || dayKey(before.at) !== dayKey(item.at)) wanted.push(this.#dayNode(item.at));
      const look = {
        follows: sameGroup(before, item),
        led: sameGroup(item, items[index + 1]),
        offer: Boolean(offersPerson && item.abstained && index === items.length - 1),
      };
      wanted.push(this.#messageNode(item, look));
    });
    if (this.#stream) wanted.push(this.#stream);
    if (this.#typing) wanted.push(this.#typing);
    this.#place(wanted);
    if (stick) this.scrollDown();
    else if (wanted.length) this.#latest.hidden = false;
  }

  clear() {
    for (const { node } of this.#nodes.values()) node.remove();
    this.#nodes.clear();
    this.stream(null);
    this.typing(null);
  }

  /** Show a reply that is being written; null when it is complete. Not announced until it is. */
  stream(text) {
    this.#stream?.remove();
    this.#stream = null;
    if (text === null) return;
    this.typing(null);
    const bubble = h("div", { class: "bubble streaming" }, h("div", { class: "text", dir: "auto" }, renderMarkdown(text)));
    this.#stream = this.#row({ author: "ai", name: "" }, h("div", { class: "column" }, bubble));
    this.#stream.setAttribute("aria-hidden", "true");
    this.#append(this.#stream);
  }

  /** Show that "ai" or an agent is typing; null to stop. */
  typing(who) {
    this.#typing?.remove();
    this.#typing = null;
    if (!who || this.#stream) return;
    const dots = [0, 1, 2].map(() => h("span", { class: "dot" }));
    const bubble = h("div", { class: "bubble" }, ...dots, h("span", { class: "sr-only" }, t("typing", { name: who.name })));
    this.#typing = this.#row({ author: who.author, name: who.name }, h("div", { class: "column" }, bubble));
    this.#typing.classList.add("typing");
    this.#append(this.#typing);
  }

  #append(node) {
    const stick = this.isAtBottom;
    this.#log.append(node);
    if (stick) this.scrollDown();
  }

  #place(wanted) {
    const keep = new Set(wanted);
    for (const [key, { node }] of this.#nodes) {
      if (keep.has(node)) continue;
      node.remove();
      this.#nodes.delete(key);
    }
    let after = this.#log.querySelector("[data-start]");
    for (const node of wanted) {
      const next = after ? after.nextElementSibling : this.#log.firstElementChild;
      if (next !== node) (after ? after.after(node) : this.#log.prepend(node));
      after = node;
    }
  }

  #cached(key, version, make) {
    const known = this.#nodes.get(key);
    if (known?.version === version) return known.node;
    const node = make();
    if (known) known.node.replaceWith(node);
    this.#nodes.set(key, { node, version });
    return node;
  }

  #dayNode(iso) {
    const label = day(iso);
    return this.#cached(`day:${dayKey(iso)}`, label, () =>
      h("div", { class: "day", role: "separator", "aria-label": label }, h("span", { "aria-hidden": "true" }, label)),
    );
  }

  #messageNode(item, look) {
    const version = [item.seq, item.state, item.reason, look.offer].join("|");
    const known = this.#nodes.get(item.key);
    if (known && known.version !== version && item.author === "visitor") this.#stateChange(known, item, version);
    const node = this.#cached(item.key, version, () =>
      item.author === "system" ? h("div", { class: "system" }, systemText(item)) : this.#message(item, look),
    );
    node.classList.toggle("follows", Boolean(look.follows));
    node.classList.toggle("led", Boolean(look.led));
    return node;
  }

  /** Say how an own message fares now; drawn anew, it would be read out again. */
  #stateChange(known, item, version) {
    known.version = version;
    known.node.dataset.seq = item.seq;
    known.node.dataset.state = item.state;
    known.node.querySelector(".meta").replaceWith(this.#meta(item));
  }

  #row(item, column) {
    const mine = item.author === "visitor";
    const name = item.author === "ai" ? this.#tenant : item.name || this.#tenant;
    const face = item.author === "ai" ? icon("spark") : initials(name);
    const parts = mine
      ? [h("span", { class: "sr-only" }, t("you_said"))]
      : [
          h("p", { class: "name" }, h("b", {}, name), item.author === "ai" && h("span", { class: "tag" }, t("ai_tag"))),
          h("span", { class: "face", "aria-hidden": "true" }, face),
        ];
    return h("article", { class: "message", "data-author": item.author, "data-seq": item.seq, "data-state": item.state }, ...parts, column);
  }

  #message(item, look) {
    const inTurn = citationsInTurn(item.citations ?? []);
    const cite = (number) => {
      const citation = inTurn(number);
      return citation ? sourceLink(citation, [String(number)], { class: "cite" }) : null;
    };
    const body = item.author === "ai" ? renderMarkdown(item.text, cite) : renderPlain(item.text);
    const column = h("div", { class: "column" });
    if (item.text) column.append(h("div", { class: "bubble" }, h("div", { class: "text", dir: "auto" }, body)));
    if (item.attachments?.length) column.append(this.#files.draw(item.attachments));
    if (item.citations?.length) column.append(sources(item.citations) ?? "");
    if (look.offer) column.append(this.#offer());
    column.append(this.#meta(item));
    return this.#row(item, column);
  }

  #offer() {
    const ask = () => this.dispatchEvent(new CustomEvent("person"));
    return h("button", { type: "button", class: "offer", onclick: ask }, icon("person"), t("talk_to_person"));
  }

  #meta(item) {
    const time = h("time", { datetime: item.at, title: full(item.at) }, clock(item.at));
    if (item.author !== "visitor") return h("div", { class: "meta" }, time);
    if (item.state === "sending") return h("div", { class: "meta keep" }, icon("clock"), t("sending"));
    if (item.state === "failed") return this.#failure(item);
    return h("div", { class: "meta" }, time, h("span", { class: "sent" }, t("sent")));
  }

  #failure(item) {
    const detail = { clientId: item.client_id };
    const retry = () => this.dispatchEvent(new CustomEvent("retry", { detail }));
    return h(
      "div",
      { class: "meta keep" },
      h("span", { class: "failed" }, icon("alert"), item.reason || t("not_sent")),
      h("button", { type: "button", onclick: retry }, t("retry")),
    );
  }
}
