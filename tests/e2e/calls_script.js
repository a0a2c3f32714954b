/* A network that lets no WebSocket pass, and the calls that stand in for it. */

import { PROBE, Socket } from "/static/widget/shared/socket.js";
import { CallLine } from "/static/widget/shared/calls.js";

export { CallLine, PROBE, Socket };

const wait = (time) => new Promise((go) => setTimeout(go, time));

export async function until(ready) {
  for (let tries = 0; tries < 500; tries += 1) {
    if (ready()) return;
    await wait(20);
  }
  throw new Error(`never happened: ${ready}`);
}

/** A WebSocket that fails to open as long as `Blocked.isBlocked`. */
export class Blocked {
  static isBlocked = true;
  static made = [];
  readyState = 0;
  sent = [];

  constructor() {
    Blocked.made.push(this);
    const isBlocked = Blocked.isBlocked;
    setTimeout(() => {
      this.readyState = isBlocked ? 3 : 1;
      if (isBlocked) this.onclose?.({ code: 1006, reason: "" });
      else this.onopen?.();
    });
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close(code = 1000, reason = "") {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }
}

/** A server of calls: `asked` is what was called, `stream` the open stream, `answers` by name. */
export class FakeServer {
  asked = [];
  streams = [];
  polls = [];
  answers = { frames: () => ({ frames: [] }) };
  holdsStreamsBack = false;

  fetch = async (address, options) => {
    const url = new URL(address);
    const name = url.pathname.split("/").pop();
    const call = { name, query: Object.fromEntries(url.searchParams), ...options };
    this.asked.push(call);
    if (name === "events") return this.#stream(call);
    if (name === "poll") return this.#poll(call);
    return new Response(JSON.stringify(this.answers[name](JSON.parse(call.body))));
  };

  #stream({ signal }) {
    const sender = new TextEncoder();
    const stream = {};
    const body = new ReadableStream({
      start: (controller) => {
        stream.write = (text) => controller.enqueue(sender.encode(text));
        stream.say = (...frames) => frames.forEach((frame) => stream.write(`data: ${JSON.stringify(frame)}\n\n`));
        stream.end = () => controller.close();
        signal.addEventListener("abort", () => controller.error(new DOMException("", "AbortError")));
      },
    });
    if (!this.holdsStreamsBack) this.streams.push(stream);
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  }

  #poll({ signal }) {
    return new Promise((resolve, reject) => {
      this.polls.push((frames, next) => resolve(new Response(JSON.stringify({ frames, next }))));
      signal.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
    });
  }

  calls(name) {
    return this.asked.filter((call) => call.name === name);
  }
}

export const welcome = (seq) => ({
  type: "welcome", protocol: "frontdesk.v1", conversation: "c1", epoch: "e1", seq, first: 1, resumed: false,
});

/** A line on the fake server that has said hello, and what it hears. */
export async function called(server) {
  const heard = [];
  const closed = [];
  const line = new CallLine({ url: "https://x/widget/", token: "vt", protocol: "frontdesk.v1" }, server.fetch);
  line.onmessage = ({ data }) => heard.push(JSON.parse(data));
  line.onclose = ({ code }) => closed.push(code);
  await until(() => line.readyState === 1);
  line.send(JSON.stringify({ type: "hello" }));
  return { line, heard, closed };
}

export const hello = (line, seq) =>
  line.send(JSON.stringify({ type: "hello", resume: { conversation: "c1", epoch: "e1", seq } }));

/** A socket whose WebSockets are `Blocked`. */
export function socketBy(server) {
  Blocked.made.length = 0;
  Blocked.isBlocked = true;
  class Line extends CallLine {
    constructor(address) {
      super(address, server.fetch);
    }
  }
  const calls = { url: "https://x/widget/", token: "vt", protocol: "frontdesk.v1" };
  const address = () => ({ url: "wss://x/ws/chat/", protocols: ["frontdesk.v1"], calls });
  const socket = new Socket({ address, webSocket: Blocked, callLine: Line });
  const frames = [];
  socket.addEventListener("open", () => socket.send({ type: "hello" }));
  socket.addEventListener("frame", ({ detail }) => frames.push(detail));
  socket.start();
  return { socket, frames };
}
