/**
 * A WebSocket that comes back.
 *
 * It reconnects with exponential back-off and full jitter, tries at once when the browser says the
 * network is back or the page becomes visible, notices a dead line by unanswered pings, and gives
 * up only on a terminal close code. What the frames mean is the caller's business.
 *
 * Where the address has `calls`, a WebSocket that does not open twice in a row is stood in for by
 * HTTP calls, and tried again from time to time; once one opens, the line moves back to it.
 *
 * Events: `open`, `frame` (detail: the parsed frame), `down` (detail: {code, reason, retryIn}),
 * `refused` (detail: {code, reason}; no further attempt is made until `start` is called).
 */

import { CallLine } from "./calls.js";

export const BACKOFF = { first: 500, factor: 2, ceiling: 30_000 };
const PING_EVERY = 20_000;
const PONG_WITHIN = 10_000;
// A line that stood this long was a good one: the next failure starts from the first delay again.
const STABLE_AFTER = 5_000;
const OPEN_WITHIN = 10_000;
const UNOPENED_ALLOWED = 2;
export const PROBE = { first: 60_000, factor: 2, ceiling: 15 * 60_000 };

/** Milliseconds to wait before attempt `count` (0-based): full jitter, never under 100 ms. */
export function delayBefore(count, random = Math.random) {
  const top = Math.min(BACKOFF.ceiling, BACKOFF.first * BACKOFF.factor ** Math.min(count, 16));
  return Math.max(100, Math.round(random() * top));
}

/** Close codes after which trying again cannot help. */
export function isTerminal(code) {
  return (code >= 3500 && code < 4000) || (code >= 4400 && code < 4500);
}

export class Socket extends EventTarget {
  #address;
  #WebSocket;
  #CallLine;
  #socket = null;
  #isCalling = false;
  #unopened = 0;
  #probes = 0;
  #probe = null;
  #attempts = 0;
  #timers = {};
  #wanted = false;
  #wakeUp = () => this.#retryNow();

  /**
   * `address()` returns {url, protocols, calls?: {url, token, protocol}}, asked for at every attempt
   * (tokens get renewed).
   */
  constructor({ address, webSocket = globalThis.WebSocket, callLine = CallLine }) {
    super();
    this.#address = address;
    this.#WebSocket = webSocket;
    this.#CallLine = callLine;
  }

  get isOpen() {
    return this.#socket?.readyState === 1;
  }

  start() {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#attempts = 0;
    globalThis.addEventListener("online", this.#wakeUp);
    document.addEventListener("visibilitychange", this.#wakeUp);
    this.#connect();
  }

  stop() {
    this.#wanted = false;
    globalThis.removeEventListener("online", this.#wakeUp);
    document.removeEventListener("visibilitychange", this.#wakeUp);
    this.#drop(1000, "done");
  }

  /** Send a frame if the line stands; true if it was handed to the browser. */
  send(frame) {
    if (!this.isOpen) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Drop the line and dial again at once, as after a hole that the server would not fill. */
  redial() {
    if (!this.#wanted) return;
    this.#drop(1000, "redial");
    this.#connect();
  }

  #connect() {
    clearTimeout(this.#timers.retry);
    const { url, protocols, calls } = this.#address();
    this.#isCalling = Boolean(calls) && this.#unopened >= UNOPENED_ALLOWED;
    this.#adopt(this.#isCalling ? new this.#CallLine(calls) : new this.#WebSocket(url, protocols));
    this.#timers.opening = setTimeout(() => this.#neverOpened(), OPEN_WITHIN);
  }

  /** Give up on a line that something on the way neither lets through nor refuses. */
  #neverOpened() {
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.#closed({ code: 1006, reason: "not opened" });
  }

  #adopt(socket) {
    this.#socket = socket;
    socket.onopen = () => this.#opened();
    socket.onmessage = (event) => this.#received(event.data);
    socket.onclose = (event) => socket === this.#socket && this.#closed(event);
  }

  #opened() {
    if (this.#isCalling) this.#probeLater();
    else this.#unopened = this.#probes = 0;
    clearTimeout(this.#timers.opening);
    this.#timers.stable = setTimeout(() => (this.#attempts = 0), STABLE_AFTER);
    this.#timers.ping = setInterval(() => this.#ping(), PING_EVERY);
    this.dispatchEvent(new CustomEvent("open"));
  }

  /** See now and then whether a WebSocket opens by now. */
  #probeLater() {
    const after = Math.min(PROBE.ceiling, PROBE.first * PROBE.factor ** this.#probes++);
    this.#timers.probe = setTimeout(() => this.#tryWebSocket(), after);
  }

  #tryWebSocket() {
    const { url, protocols } = this.#address();
    const probe = (this.#probe = new this.#WebSocket(url, protocols));
    probe.onclose = () => {
      this.#probe = null;
      this.#probeLater();
    };
    probe.onopen = () => {
      this.#probe = null;
      this.#drop(1000, "moved");
      this.#isCalling = false;
      this.#adopt(probe);
      this.#opened();
    };
  }

  #ping() {
    this.send({ type: "ping" });
    clearTimeout(this.#timers.pong);
    this.#timers.pong = setTimeout(() => this.redial(), PONG_WITHIN);
  }

  #received(data) {
    clearTimeout(this.#timers.pong);
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      return this.redial();
    }
    this.dispatchEvent(new CustomEvent("frame", { detail: frame }));
  }

  #closed({ code, reason }) {
    // One that never opened has no ping. Calls that fail give a WebSocket its turn again.
    if (this.#isCalling) this.#unopened = UNOPENED_ALLOWED - 1;
    else if (!this.#timers.ping) this.#unopened += 1;
    this.#clear();
    this.#socket = null;
    if (!this.#wanted) return;
    if (isTerminal(code)) {
      this.stop();
      this.dispatchEvent(new CustomEvent("refused", { detail: { code, reason } }));
      return;
    }
    const retryIn = delayBefore(this.#attempts++);
    this.#timers.retry = setTimeout(() => this.#connect(), retryIn);
    this.dispatchEvent(new CustomEvent("down", { detail: { code, reason, retryIn } }));
  }

  #retryNow() {
    if (!this.#wanted || this.#socket || document.visibilityState === "hidden") return;
    this.#connect();
  }

  #drop(code, reason) {
    this.#clear();
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close(code, reason);
    }
  }

  #clear() {
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.#timers = {};
    if (this.#probe) {
      this.#probe.onopen = this.#probe.onclose = null;
      this.#probe.close();
      this.#probe = null;
    }
  }
}
