/** Start the panel: session, socket, and the wiring between what is heard and what is shown. */

import { readJson } from "../shared/dom.js";
import { Files, makeTray } from "./attachments.js";
import { Banners } from "./banners.js";
import { Bridge } from "./bridge.js";
import { Chat } from "./chat.js";
import { Composer } from "./composer.js";
import { MessagesView } from "./messages.js";
import { askForPerson, openSession } from "./session.js";
import { Storage } from "./storage.js";
import { toast } from "./toasts.js";
import { setWords, t } from "./words.js";

const RENEW_AT_MOST_EVERY = 60_000;

const $ = (id) => document.getElementById(id);
const config = readJson("config");
const storage = new Storage(config.key);
const bridge = new Bridge(config.parent_origin);

setWords(config.words);
for (const [name, value] of Object.entries(config.theme)) document.documentElement.style.setProperty(`--${name}`, value);

const banners = new Banners({
  parts: { line: $("line"), state: $("state"), subtitle: $("subtitle"), avatar: $("avatar"), person: $("person"), personText: $("person-text") },
  tenant: config.tenant,
});
const files = new Files({ token: () => session?.visitor_token });
const tray = makeTray({ form: $("composer"), list: $("uploads"), limits: config.attachments, session: () => chat && session, area: document.body });
const view = new MessagesView({ log: $("log"), latest: $("latest"), tenant: config.tenant, files });
const composer = new Composer({ form: $("composer"), limit: config.message_limit, tray });
const host = { open: !bridge.isEmbedded, page: {} };
let session = null;
let chat = null;
let seen = 0;
let renewedAt = 0;
// What was asked for before there was a session.
const early = [];
let wantsPerson = false;
// The page we are on is part of the session; a host that never says so must not hold it up.
const hostKnown = new Promise((resolve) => {
  bridge.addEventListener("host", resolve, { once: true });
  setTimeout(resolve, bridge.isEmbedded ? 500 : 0);
});

const warn = (text) => toast($("toasts"), text);

/* ---- shown ------------------------------------------------------------------------------------ */

function isWatched() {
  return host.open && document.visibilityState === "visible";
}

function render() {
  const items = chat.transcript.items;
  view.show(items, { offersPerson: chat.status.state === "ai" });
  if ($("suggestions")) $("suggestions").hidden = items.length > 0;
  markSeen();
}

function markSeen() {
  if (!chat) return;
  const { items, position } = chat.transcript;
  if (isWatched() && position > seen) {
    seen = position;
    storage.set("seen", { conversation: session.conversation_id, seq: seen });
    chat.read();
  }
  const unread = items.filter((item) => item.seq > seen && item.author !== "visitor" && item.author !== "system");
  bridge.tell("unread", { count: unread.length });
}

/* ---- a conversation ------------------------------------------------------------------------------ */

const REACTIONS = {
  change: () => render(),
  delta: (text) => view.stream(text),
  typing: (who) => view.typing(who && { ...who, name: who.name || config.tenant }),
  line(state) {
    banners.line(state);
    if (state === "up") tray.resume();
  },
  trouble: (error) => warn(error.detail || t("trouble")),
  expired: () => renew(),
  "caught-up": () => $("log").setAttribute("aria-busy", "false"),
  status(status) {
    banners.state(status);
    render();
  },
};

async function begin() {
  const known = await hostKnown;
  storage.restore(known?.detail.kept);
  // Somebody may have begun to type before this module ran.
  composer.text ||= storage.get("draft") ?? "";
  try {
    session = await openSession({ config, storage, page: host.page });
  } catch (error) {
    banners.line(error.status ? "refused" : "down");
    if (!error.status) return void setTimeout(begin, 3_000);
    warn(error.message);
    composer.text = [...early.splice(0), composer.text].filter(Boolean).join("\n");
    bridge.tell("error", { code: error.code ?? "session_refused", message: error.message });
    return undefined;
  }
  if (session.greeting && $("greeting")) $("greeting").textContent = session.greeting;
  const kept = storage.get("seen");
  seen = kept?.conversation === session.conversation_id ? kept.seq : 0;
  chat = new Chat({ session, storage });
  for (const [name, react] of Object.entries(REACTIONS)) chat.addEventListener(name, (event) => react(event.detail));
  banners.state(chat.status);
  render();
  chat.start();
  for (const text of early.splice(0)) chat.send(text);
  if (wantsPerson) person();
  return undefined;
}

/** Get a new session for a token that ran out; a server that refuses that one too is left alone. */
function renew() {
  const now = Date.now();
  if (now - renewedAt < RENEW_AT_MOST_EVERY) return;
  renewedAt = now;
  restart({ forget: true });
}

/** Leave this conversation; `forget` also forgets who the visitor was. */
function restart({ forget = false } = {}) {
  chat?.stop();
  tray.clear();
  chat = null;
  view.clear();
  $("log").setAttribute("aria-busy", "true");
  storage.remove("pending");
  if (forget) storage.remove("token");
  return begin();
}

async function person() {
  wantsPerson = !chat;
  if (!chat || $("person").getAttribute("aria-disabled") === "true") return;
  try {
    await askForPerson({ config, session });
    bridge.tell("started");
  } catch (error) {
    warn(error.status ? error.message : t("trouble"));
  }
}

function send(text, attachments = []) {
  bridge.tell("started");
  files.keep(attachments);
  if (chat) chat.send(text, attachments.map(({ preview, ...part }) => part));
  else early.push(text);
}

/* ---- wiring -------------------------------------------------------------------------------------- */

composer.addEventListener("send", (event) => send(event.detail, tray.take()));
composer.addEventListener("busy", () => warn(t("files_wait")));
tray.addEventListener("refused", (event) => warn(event.detail));
files.addEventListener("trouble", (event) => warn(event.detail));
composer.addEventListener("typing", () => chat?.typing());
composer.addEventListener("draft", (event) => storage.set("draft", event.detail));
composer.addEventListener("too-long", (event) => warn(t("too_long", event.detail)));
view.addEventListener("retry", (event) => chat?.retry(event.detail.clientId));
view.addEventListener("person", person);
banners.addEventListener("again", () => restart());
$("person").addEventListener("click", person);
$("suggestions")?.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) send(button.textContent.trim());
});
$("close").addEventListener("click", () => bridge.tell("close"));
$("close").hidden = !bridge.isEmbedded;
document.addEventListener("keydown", (event) => event.key === "Escape" && bridge.tell("close"));
document.addEventListener("visibilitychange", markSeen);

storage.addEventListener("kept", ({ detail }) => bridge.tell("keep", { kept: detail }));
bridge.addEventListener("reset", () => restart({ forget: true }));
bridge.addEventListener("host", ({ detail }) => {
  const opened = detail.open && !host.open;
  host.open = Boolean(detail.open);
  host.page = { page: { url: String(detail.page ?? ""), title: String(detail.title ?? "") } };
  // On touch screens a focused field raises the keyboard over the conversation.
  if (opened) (matchMedia("(pointer: fine)").matches ? composer : $("log")).focus();
  if (opened) view.scrollDown();
  markSeen();
});

bridge.tell("ready");
begin();
