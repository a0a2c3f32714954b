/**
 * News from `/ws/inbox/`.
 *
 * A frame says that something changed and where; the page then reads what from the server. So a
 * lost frame costs a moment, never a message: after every reconnection everything is read again,
 * and while the line is down the page asks by itself now and then.
 */

import { Socket } from "../widget/shared/socket.js";

const POLL_EVERY = 10_000;

export class Live extends EventTarget {
  #socket;
  #line;
  #words;
  #poll = null;
  #followed = null;
  #isWelcome = false;

  constructor({ url, line, words }) {
    super();
    this.#line = line;
    this.#words = words;
    this.#socket = new Socket({ address: () => ({ url, protocols: ["frontdesk.v1"] }) });
    this.#socket.addEventListener("open", () => this.#hello());
    this.#socket.addEventListener("frame", (event) => this.#heard(event.detail));
    this.#socket.addEventListener("down", () => this.#state("down"));
    this.#socket.addEventListener("refused", () => this.#state("down"));
  }

  start() {
    this.#socket.start();
  }

  /** Follow one conversation, and no longer the one before it. */
  follow(conversation) {
    if (conversation === this.#followed) return;
    if (this.#followed) this.#say({ type: "close", conversation: this.#followed });
    this.#followed = conversation;
    if (conversation) this.#say({ type: "open", conversation });
  }

  /** Say that the team has seen a conversation up to `seq`. */
  read(conversation, seq) {
    const isSeen = seq > 0 && conversation === this.#followed && document.visibilityState === "visible";
    if (isSeen) this.#say({ type: "read", conversation, seq });
  }

  typing(conversation) {
    this.#say({ type: "typing", conversation });
  }

  /** Tell the team once more that this page shows a conversation. */
  viewing(conversation) {
    this.#say({ type: "viewing", conversation });
  }

  #say(frame) {
    if (this.#isWelcome) this.#socket.send(frame);
  }

  #hello() {
    this.#isWelcome = false;
    this.#socket.send({ type: "hello" });
  }

  #frames = {
    welcome: (frame) => this.#welcome(frame),
    refresh: () => this.#news({}),
    inbox: (frame) => this.#news({ conversation: frame.conversation.id, seq: frame.conversation.seq, list: true }),
    agents: () => this.dispatchEvent(new CustomEvent("agents")),
    viewing: (frame) => this.dispatchEvent(new CustomEvent("viewing", { detail: frame })),
    changed: (frame) => this.#news({ conversation: frame.conversation, list: true }),
    pong: (frame) => frame.positions.forEach(({ conversation, seq }) => this.#news({ conversation, seq })),
    message: (frame) => this.#news({ conversation: frame.conversation, seq: frame.seq }),
    status: (frame) => this.#news({ conversation: frame.conversation }),
    typing: (frame) => this.dispatchEvent(new CustomEvent("typing", { detail: frame })),
  };

  #heard(frame) {
    if (Object.hasOwn(this.#frames, frame.type)) this.#frames[frame.type](frame);
  }

  #welcome(frame) {
    this.#isWelcome = true;
    this.me = frame.person.id;
    this.#state("up");
    if (this.#followed) this.#say({ type: "open", conversation: this.#followed });
    this.#news({});
  }

  #news(detail) {
    this.dispatchEvent(new CustomEvent("news", { detail }));
  }

  #state(state) {
    clearInterval(this.#poll);
    this.#isWelcome = state === "up";
    if (state === "down") this.#poll = setInterval(() => this.#news({}), POLL_EVERY);
    this.#line.dataset.state = state;
    this.#line.querySelector("[data-text]").textContent = this.#words[`line_${state}`];
  }
}
