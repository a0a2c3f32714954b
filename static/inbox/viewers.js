/**
 * Who else looks at the open conversation, so that two people do not answer one visitor.
 *
 * Sockets repeat it every 25 seconds; who has not been heard of for longer is gone.
 */

const STAYS = 60_000;
const WRITES = 6_000;

export class Viewers {
  #live;
  #words;
  #conversation = null;
  #line = null;
  #seen = new Map();
  #writing = { name: "", until: 0 };

  constructor({ live, words }) {
    this.#live = live;
    this.#words = words;
    live.addEventListener("viewing", ({ detail }) => this.#heard(detail));
    setInterval(() => this.#show(), 5_000);
  }

  /** Show who looks at this conversation in this line, and forget the one before it. */
  follow(conversation, line) {
    this.#conversation = conversation;
    this.#line = line;
    this.#seen.clear();
    this.#writing = { name: "", until: 0 };
    this.#show();
  }

  /** Say that a colleague writes a reply just now. */
  types(name) {
    this.#writing = { name, until: Date.now() + WRITES };
    this.#show();
  }

  #heard({ conversation, person, is_here: isHere }) {
    if (conversation !== this.#conversation || person.id === this.#live.me) return;
    const isNew = isHere && !this.#seen.has(person.id);
    if (isHere) this.#seen.set(person.id, { name: person.name, until: Date.now() + STAYS });
    else this.#seen.delete(person.id);
    if (isNew) this.#live.viewing(conversation); // they cannot know of this page yet
    this.#show();
  }

  #show() {
    if (!this.#line) return;
    const text = this.#text();
    this.#line.hidden = !text;
    if (this.#line.textContent !== text) this.#line.textContent = text;
  }

  #text() {
    const now = Date.now();
    if (this.#writing.until > now) return this.#words.writing.replace("{name}", this.#writing.name);
    const names = [...this.#seen.values()].filter(({ until }) => until > now).map(({ name }) => name);
    if (!names.length) return "";
    const form = names.length === 1 ? "viewing.one" : "viewing.other";
    const list = new Intl.ListFormat(document.documentElement.lang || "en").format(names);
    return this.#words[form].replace("{names}", list);
  }
}
