/**
 * The visitor's conversation over the socket (docs/protocol.md, `frontdesk.v1`).
 *
 * The socket is a hint and the database is the truth: every message carries a seq, a hole makes us
 * ask again from the last seq before it, and an own message is sent again under the same client id
 * until the server says `accepted`.
 *
 * Events: `change` (the transcript), `caught-up` (history is complete), `status`, `typing`, `delta`,
 * `line` (detail: up | down | refused), `expired` (the token no longer holds), `trouble` (detail: the error frame).
 */

import { randomId } from "../shared/dom.js";
import { Socket } from "../shared/socket.js";
import { Transcript } from "./transcript.js";

const PROTOCOL = "frontdesk.v1";
const RESEND_AFTER = 6_000;
// Frames may be out of order for a moment; a hole that stays longer is asked about.
const ASK_AGAIN_AFTER = 1_000;
const TYPING_STAYS = 6_000;
const TOKEN_EXPIRED = 4401;

export class Chat extends EventTarget {
  transcript = new Transcript();
  status = { state: "ai" };
  #session;
  #storage;
  #socket;
  #epoch = null;
  #target = 0;
  #isWelcome = false;
  #timers = {};
  #deltas = new Map();

  constructor({ session, storage, webSocket }) {
    super();
    this.#session = session;
    this.#storage = storage;
    this.#socket = new Socket({ address: () => this.#address(), webSocket });
    this.#socket.addEventListener("open", () => this.#hello());
    this.#socket.addEventListener("frame", (event) => this.#heard(event.detail));
    this.#socket.addEventListener("down", () => this.#lineLost("down"));
    this.#socket.addEventListener("refused", (event) => this.#refused(event.detail));
    this.#restorePending();
  }

  start() {
    this.#socket.start();
  }

  stop() {
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.#socket.stop();
  }

  /** Queue a message; it goes out now, or when the line is back. */
  send(text, attachments = []) {
    this.transcript.add({ clientId: randomId(), text, attachments, at: new Date().toISOString() });
    this.#pendingChanged();
    this.#flush();
  }

  retry(clientId) {
    this.transcript.retry(clientId);
    this.#pendingChanged();
    this.#flush();
  }

  typing() {
    if (this.#isWelcome) this.#socket.send({ type: "typing" });
  }

  /** Say that everything there is was seen. */
  read() {
    if (this.#isWelcome && this.transcript.position) this.#socket.send({ type: "read", seq: this.transcript.position });
  }

  /* ---- out ----------------------------------------------------------------------------------- */

  #address() {
    const { ws_url: url, http_url: http, visitor_token: token } = this.#session;
    const calls = http && { url: http, token, protocol: PROTOCOL };
    return { url, protocols: [PROTOCOL, `token.${token}`], calls };
  }

  #hello() {
    const { conversation_id: conversation } = this.#session;
    // One that was chosen is named, even before anything of it is known.
    const isNamed = this.#epoch !== null || this.#session.is_chosen;
    const resume = isNamed && { conversation, epoch: this.#epoch ?? "", seq: this.transcript.position };
    this.#isWelcome = false;
    this.#socket.send(resume ? { type: "hello", resume } : { type: "hello" });
  }

  /** Send everything unaccepted, in order; the client id makes a repetition harmless. */
  #flush() {
    clearTimeout(this.#timers.resend);
    if (!this.#isWelcome) return;
    const waiting = this.transcript.pending.filter((message) => message.state === "sending");
    for (const { client_id, text, attachments } of waiting) {
      const files = attachments.length ? { attachments: attachments.map(({ id }) => id) } : {};
      this.#socket.send({ type: "message", client_id, text, ...files });
    }
    if (waiting.length) this.#timers.resend = setTimeout(() => this.#flush(), RESEND_AFTER);
  }

  /** Unaccepted messages outlive a reload. */
  #pendingChanged() {
    const pending = this.transcript.pending.map(({ client_id, text, at, attachments }) => ({ clientId: client_id, text, at, attachments }));
    this.#storage.set("pending", { conversation: this.#session.conversation_id, pending });
    this.#emit("change");
  }

  #restorePending() {
    const kept = this.#storage.get("pending");
    if (kept?.conversation !== this.#session.conversation_id) return;
    for (const message of kept.pending) this.transcript.add(message);
  }

  /* ---- in ------------------------------------------------------------------------------------ */

  #frames = {
    welcome: (frame) => this.#welcome(frame),
    message: (frame) => this.#message(frame),
    accepted: (frame) => this.#accepted(frame),
    delta: (frame) => this.#delta(frame),
    status: (frame) => this.#setStatus(frame),
    typing: (frame) => this.#typing(frame),
    gap: () => this.#startOver(),
    error: (frame) => this.#error(frame),
    pong: (frame) => this.#checkPosition(frame),
  };

  #heard(frame) {
    // An unknown frame comes from a newer server; what we know still works.
    if (Object.hasOwn(this.#frames, frame.type)) this.#frames[frame.type](frame);
  }

  #welcome({ epoch, seq, first, resumed }) {
    if (!resumed) {
      this.transcript.forget();
      this.transcript.startAt(first);
      this.#emit("change");
    }
    this.#epoch = epoch;
    this.#target = seq;
    this.#isWelcome = true;
    this.#emit("line", "up");
    this.#reached();
    this.#flush();
  }

  #message(frame) {
    if (frame.author !== "visitor") this.#writingEnded();
    if (this.transcript.receive(frame)) this.#pendingChanged();
    this.#reached();
    this.#checkHole();
  }

  #accepted({ client_id, seq }) {
    this.transcript.accept(client_id, seq);
    this.#pendingChanged();
    const answered = this.transcript.items.some((item) => item.seq > seq && item.author !== "visitor");
    if (this.status.state === "ai" && !answered) this.#typing({ author: "ai" });
    this.#checkHole();
  }

  #delta({ run, text }) {
    const whole = (this.#deltas.get(run) ?? "") + text;
    this.#deltas.set(run, whole);
    this.#emit("delta", whole);
  }

  #setStatus(frame) {
    this.status = frame;
    if (frame.state !== "ai") this.#writingEnded();
    this.#emit("status", frame);
  }

  #typing({ author, name = "" }) {
    if (author === "visitor") return;
    clearTimeout(this.#timers.typing);
    this.#emit("typing", { author, name });
    this.#timers.typing = setTimeout(() => this.#emit("typing", null), TYPING_STAYS);
  }

  #writingEnded() {
    clearTimeout(this.#timers.typing);
    this.#deltas.clear();
    this.#emit("delta", null);
    this.#emit("typing", null);
  }

  #error(frame) {
    if (frame.client_id && !frame.retryable) {
      this.transcript.fail(frame.client_id, frame.detail);
      this.#pendingChanged();
    }
    this.#emit("trouble", frame);
  }

  /* ---- is anything missing? ------------------------------------------------------------------- */

  #reached() {
    if (this.transcript.position >= this.#target) this.#emit("caught-up");
  }

  #checkPosition({ epoch, seq }) {
    if (epoch !== this.#epoch) this.#startOver();
    else if (seq > this.transcript.position) this.#askSoon();
  }

  #checkHole() {
    if (this.transcript.hole) this.#askSoon();
    else clearTimeout(this.#timers.ask);
  }

  #askSoon() {
    clearTimeout(this.#timers.ask);
    this.#timers.ask = setTimeout(() => this.#hello(), ASK_AGAIN_AFTER);
  }

  /** The server cannot fill what is missing: take the conversation from its end again. */
  #startOver() {
    this.#epoch = null;
    this.transcript.forget();
    this.#hello();
  }

  #refused({ code }) {
    this.#lineLost("refused");
    if (code === TOKEN_EXPIRED) this.#emit("expired");
  }

  #lineLost(state) {
    this.#isWelcome = false;
    this.#writingEnded();
    this.#emit("line", state);
  }

  #emit(name, detail = null) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
