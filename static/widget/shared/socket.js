/**
 * A WebSocket that comes back.
 *
 * It reconnects with exponential back-off and full jitter, tries at once when the browser says the
 * network is back or the page becomes visible, notices a dead line by unanswered pings, and gives
 * up only on a terminal close code. What the frames mean is the caller's business.
 *
 * Events: `open`, `frame` (detail: the parsed frame), `down` (detail: {code, reason, retryIn}),
 * `refused` (detail: {code, reason}; no further attempt is made until `start` is called).
 */

export const BACKOFF = { first: 500, factor: 2, ceiling: 30_000 };
const PING_EVERY = 20_000;
const PONG_WITHIN = 10_000;
// A line that stood this long was a good one: the next failure starts from the first delay again.
const STABLE_AFTER = 5_000;

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
  #socket = null;
  #attempts = 0;
  #timers = {};
  #wanted = false;
  #wakeUp = () => this.#retryNow();

  /** `address()` returns {url, protocols}, asked for at every attempt (tokens get renewed). */
  constructor({ address, webSocket = globalThis.WebSocket }) {
    super();
    this.#address = address;
    this.#WebSocket = webSocket;
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
    const { url, protocols } = this.#address();
    const socket = new this.#WebSocket(url, protocols);
    this.#socket = socket;
    socket.onopen = () => this.#opened();
    socket.onmessage = (event) => this.#received(event.data);
    socket.onclose = (event) => socket === this.#socket && this.#closed(event);
  }

  #opened() {
    this.#timers.stable = setTimeout(() => (this.#attempts = 0), STABLE_AFTER);
    this.#timers.ping = setInterval(() => this.#ping(), PING_EVERY);
    this.dispatchEvent(new CustomEvent("open"));
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
  }
}
