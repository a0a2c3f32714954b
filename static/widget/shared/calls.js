/**
 * A visitor's line where no WebSocket opens (docs/protocol.md, "Without a WebSocket").
 *
 * It looks like a WebSocket to `socket.js`: `send` takes frames, `onmessage` gives them. A `hello`
 * opens an event stream; where something on the way holds the stream back, and from then on, polls
 * do its work. Everything else is said in calls of their own, in order.
 */

// A stream that gives no greeting within this time is being gathered somewhere on the way.
const GREETING_WITHIN = 8_000;
// Heartbeats come every 25 seconds.
const SILENT_AFTER = 60_000;
const AT_ONCE = 20;
const CODES = { 401: 4401, 403: 4403, 406: 4406, 429: 3429 };
const LOST = 1006;
const OPEN = 1;
const CLOSED = 3;
let streamsAreHeldBack = false;

class Refused extends Error {
  constructor(status) {
    super(`status ${status}`);
    this.code = CODES[status] ?? LOST;
  }
}

export class CallLine {
  readyState = 0;
  onopen = null;
  onmessage = null;
  onclose = null;
  #address;
  #fetch;
  #conversation = null;
  #waiting = [];
  #isSaying = false;
  #listening = null;

  /** `address` is {url, token, protocol}; `url` ends with a slash. */
  constructor(address, fetcher = globalThis.fetch.bind(globalThis)) {
    this.#address = address;
    this.#fetch = fetcher;
    setTimeout(() => {
      if (this.readyState === CLOSED) return;
      this.readyState = OPEN;
      this.onopen?.();
    });
  }

  send(text) {
    const frame = JSON.parse(text);
    if (frame.type === "hello") this.#hello(frame);
    else {
      this.#waiting.push(frame);
      this.#sayAll();
    }
  }

  close(code = 1000) {
    if (this.readyState === CLOSED) return;
    this.readyState = CLOSED;
    this.#listening?.abort();
    this.onclose?.({ code, reason: "" });
  }

  #failed(error) {
    this.close(error instanceof Refused ? error.code : LOST);
  }

  /* ---- what is heard --------------------------------------------------------------------------- */

  #hello({ resume }) {
    this.#listening?.abort();
    const listening = (this.#listening = new AbortController());
    const query = resume ? { conversation: resume.conversation } : {};
    if (resume?.epoch) query.after = `${resume.epoch}:${resume.seq}`;
    this.#listen(query, listening).catch((error) => {
      if (listening === this.#listening) this.#failed(error);
    });
  }

  async #listen(query, listening) {
    if (!streamsAreHeldBack && (await this.#stream(query, listening))) return;
    while (!listening.signal.aborted) query = await this.#poll(query, listening);
  }

  /** Follow a stream to its end; false if it is held back on the way. */
  async #stream(query, listening) {
    const held = new AbortController();
    listening.signal.addEventListener("abort", () => held.abort());
    let isGreeted = false;
    let timer;
    const watch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => held.abort(), isGreeted ? SILENT_AFTER : GREETING_WITHIN);
    };
    watch();
    try {
      const response = await this.#call("events", query, { signal: held.signal });
      for await (const event of events(response.body)) {
        isGreeted = true;
        watch();
        this.#event(event, listening);
      }
    } catch (error) {
      const isHeldBack = held.signal.aborted && !listening.signal.aborted && !isGreeted;
      if (!isHeldBack) throw error;
      streamsAreHeldBack = true;
      return false;
    } finally {
      clearTimeout(timer);
    }
    throw new Refused(0);
  }

  #event({ name, data }, listening) {
    if (listening !== this.#listening) return;
    if (name === "close") this.close(JSON.parse(data).code);
    else this.#heard(data);
  }

  /** Ask once, and return what to ask next. */
  async #poll(query, listening) {
    const response = await this.#call("poll", query, { signal: listening.signal });
    const { frames, next, close } = await response.json();
    if (listening !== this.#listening) return query;
    for (const frame of frames) this.#heard(JSON.stringify(frame));
    if (close) this.close(close);
    return { conversation: this.#conversation ?? query.conversation, after: next };
  }

  #heard(data) {
    if (this.readyState === CLOSED) return;
    const frame = JSON.parse(data);
    if (frame.type === "welcome") {
      this.#conversation = frame.conversation;
      this.#sayAll();
    }
    this.onmessage?.({ data });
  }

  /* ---- what is said ---------------------------------------------------------------------------- */

  async #sayAll() {
    if (this.#isSaying || !this.#conversation) return;
    this.#isSaying = true;
    try {
      while (this.#waiting.length && this.readyState === OPEN) await this.#say(this.#waiting.splice(0, AT_ONCE));
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#isSaying = false;
    }
  }

  async #say(frames) {
    const body = JSON.stringify({ conversation: this.#conversation, frames });
    const headers = { "Content-Type": "application/json" };
    const response = await this.#call("frames", {}, { method: "POST", body, headers });
    for (const frame of (await response.json()).frames) this.#heard(JSON.stringify(frame));
  }

  async #call(name, query, { headers = {}, ...options }) {
    const { url, token, protocol } = this.#address;
    const asked = Object.entries({ protocol, ...query }).filter(([, value]) => value);
    const response = await this.#fetch(`${url}${name}?${new URLSearchParams(asked)}`, {
      headers: { Authorization: `Bearer ${token}`, ...headers },
      credentials: "omit",
      cache: "no-store",
      ...options,
    });
    if (!response.ok) throw new Refused(response.status);
    return response;
  }
}

/** Read a stream as events: {name, data}. */
async function* events(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += decoder.decode(value, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) yield fieldsOf(block);
  }
}

function fieldsOf(block) {
  const found = { event: "", data: "" };
  for (const line of block.split("\n")) {
    const at = line.indexOf(": ");
    found[line.slice(0, at)] = line.slice(at + 2);
  }
  return { name: found.event, data: found.data };
}
