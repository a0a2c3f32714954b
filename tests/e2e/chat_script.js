/* What the tests of the panel's socket client share: a scripted server in place of the network. */

import { Chat } from "/static/widget/panel/chat.js";
import { Storage } from "/static/widget/panel/storage.js";

export class FakeSocket {
  static made = [];

  constructor(url, protocols) {
    Object.assign(this, { url, protocols, readyState: 0, sent: [] });
    FakeSocket.made.push(this);
    setTimeout(() => {
      this.readyState = 1;
      this.onopen?.();
    });
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  say(...frames) {
    for (const frame of frames) this.onmessage?.({ data: JSON.stringify({ conversation: "c1", ...frame }) });
  }

  close(code = 1000, reason = "") {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }
}

const session = { ws_url: "ws://x/ws/chat/", visitor_token: "vt", conversation_id: "c1" };
const storage = new Storage("test");
const AT = "2026-01-01T00:00:00Z";

export async function until(ready) {
  for (let tries = 0; tries < 200; tries += 1) {
    if (ready()) return;
    await new Promise((go) => setTimeout(go, 20));
  }
  throw new Error(`never happened: ${ready}`);
}

export const message = (seq, more) => ({
  type: "message", seq, id: String(seq), author: "ai", name: "", text: `m${seq}`, at: AT, citations: [], ...more,
});
export const welcome = (seq, more) => ({
  type: "welcome", protocol: "frontdesk.v1", epoch: "e1", seq, first: 1, resumed: false, ...more,
});
export const accepted = (clientId, seq) => ({ type: "accepted", client_id: clientId, seq, id: String(seq) });
export const delta = (text) => ({ type: "delta", run: "r1", seq_hint: 1, text });
export const failure = (code, clientId, retryable) => ({
  type: "error", code, detail: code, retryable, client_id: clientId,
});

export const hellos = (socket) => socket.sent.filter((frame) => frame.type === "hello");
export const said = (socket) => socket.sent.filter((frame) => frame.type === "message");
export const order = (chat) => chat.transcript.items.map((item) => item.seq ?? item.state);

/** The socket dialled as number `count` (from 1), once it has said hello. */
export async function dialled(count) {
  await until(() => FakeSocket.made.length >= count && FakeSocket.made[count - 1].sent.length);
  return FakeSocket.made[count - 1];
}

export async function begin() {
  const chat = new Chat({ session, storage, webSocket: FakeSocket });
  const count = FakeSocket.made.length + 1;
  chat.start();
  return { chat, socket: await dialled(count) };
}
