/** Start the panel: session, socket, and the wiring between what is heard and what is shown. */

import { readJson } from "../shared/dom.js";
import { Asks } from "./asks.js";
import { Files, makeTray } from "./attachments.js";
import { Banners } from "./banners.js";
import { Bridge } from "./bridge.js";
import { Cards } from "./cards.js";
import { Chat } from "./chat.js";
import { Composer } from "./composer.js";
import { drawEarlier } from "./earlier.js";
import { MessagesView } from "./messages.js";
import { askForPerson, openSession } from "./session.js";
import { Sound } from "./sound.js";
import { Storage } from "./storage.js";
import { toast } from "./toasts.js";
import { Visitor } from "./visitor.js";
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
const cards = new Cards({ place: $("card"), said: $("said") });
const asks = new Asks({ config, cards });
const visitor = new Visitor();
const sound = new Sound({ button: $("sound"), storage });
const host = { open: !bridge.isEmbedded, page: {} };
let session = null;
let chat = null;
let seen = 0;
// The last message the page was told of; null until history is complete.
let told = null;
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
  for (const id of ["suggestions", "earlier"]) if ($(id)) $(id).hidden = items.length > 0 || asks.isBefore;
  tellNew(items);
  markSeen();
}

/** Tell the page of each new message, without its text: a page's other scripts may listen. */
function tellNew(items) {
  if (told === null) return;
  for (const { id, seq, author, name, at } of items.filter((item) => item.seq > told)) {
    told = seq;
    if (author === "system") continue;
    bridge.tell("message", { id: id ?? null, seq, author, name: name ?? "", at });
    if (author !== "visitor" && !isWatched()) sound.play();
  }
}

function showFoot() {
  $("foot").hidden = asks.isBefore;
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
  "caught-up"() {
    $("log").setAttribute("aria-busy", "false");
    told ??= chat.transcript.highest;
  },
  status(status) {
    banners.state(status);
    asks.state(status);
    render();
  },
};

async function begin() {
  const known = await hostKnown;
  storage.restore(known?.detail.kept);
  sound.restore();
  // Somebody may have begun to type before this module ran.
  composer.text ||= storage.get("draft") ?? "";
  try {
    session = await openSession({ config, storage, page: host.page, userToken: visitor.token });
  } catch (error) {
    if (error.code === "identity_token_invalid") return notNamed(error);
    banners.line(error.status ? "refused" : "down");
    if (!error.status) return void setTimeout(begin, 3_000);
    warn(error.message);
    composer.text = [...early.splice(0), composer.text].filter(Boolean).join("\n");
    bridge.tell("error", { code: error.code ?? "session_refused", message: error.message });
    return undefined;
  }
  if (session.greeting && $("greeting")) $("greeting").textContent = session.greeting;
  // Theirs may be one of several: the socket is told which.
  session.is_chosen = Boolean(session.identified);
  drawEarlier({ after: $("log").querySelector("[data-start]"), conversations: session.earlier ?? [], open: choose });
  tellVisitor();
  return enter();
}

/** Follow the session's conversation, with whatever it asks at first. */
function enter() {
  const kept = storage.get("seen");
  seen = kept?.conversation === session.conversation_id ? kept.seq : 0;
  chat = new Chat({ session, storage });
  for (const [name, react] of Object.entries(REACTIONS)) chat.addEventListener(name, (event) => react(event.detail));
  banners.state(chat.status);
  asks.begin(session);
  showFoot();
  render();
  chat.start();
  for (const text of early.splice(0)) chat.send(text);
  if (wantsPerson) person();
}

/** Go on as nobody in particular: who was known here before may not be whom the page meant. */
function notNamed(error) {
  bridge.tell("error", { code: error.code, message: error.message });
  warn(t("not_you"));
  visitor.name(null);
  if (storage.get("identified")) storage.remove("token");
  return begin();
}

async function tellVisitor() {
  try {
    await visitor.tell({ config, session });
  } catch (error) {
    bridge.tell("error", { code: error.code ?? "visitor_refused", message: error.message });
  }
}

/** Open one of the visitor's earlier conversations. */
function choose(conversation) {
  leave();
  session = { ...session, conversation_id: conversation, is_chosen: true, form: null, unrated: null };
  enter();
  $("log").focus();
}

/** Get a new session for a token that ran out; a server that refuses that one too is left alone. */
function renew() {
  const now = Date.now();
  if (now - renewedAt < RENEW_AT_MOST_EVERY) return;
  renewedAt = now;
  // Another tab may have been given a better one meanwhile.
  restart({ forget: storage.get("token") === session?.visitor_token });
}

function leave() {
  chat?.stop();
  tray.clear();
  chat = null;
  told = null;
  cards.hide();
  view.clear();
  $("log").setAttribute("aria-busy", "true");
}

/** Leave this conversation; `forget` also forgets who the visitor was. */
function restart({ forget = false } = {}) {
  leave();
  if (forget) for (const name of ["token", "identified", "pending"]) storage.remove(name);
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
asks.addEventListener("trouble", ({ detail }) => warn(detail.status ? detail.message : t("trouble")));
asks.addEventListener("answered", () => {
  showFoot();
  render();
  composer.focus();
});
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
bridge.addEventListener("reset", () => {
  visitor.forget();
  composer.text = "";
  storage.remove("draft");
  if (session || chat) restart({ forget: true });
  else for (const name of ["token", "identified", "pending"]) storage.remove(name);
});
bridge.addEventListener("user", ({ detail }) => {
  if (!visitor.name(detail.user) || !session) return;
  if (visitor.token) restart();
  else tellVisitor();
});
bridge.addEventListener("attributes", ({ detail }) => {
  visitor.describe(detail.attributes);
  if (session) tellVisitor();
});
bridge.addEventListener("host", ({ detail }) => {
  const opened = detail.open && !host.open;
  host.open = Boolean(detail.open);
  host.page = { page: { url: String(detail.page ?? ""), title: String(detail.title ?? "") } };
  // On touch screens a focused field raises the keyboard over the conversation.
  if (opened) (matchMedia("(pointer: fine)").matches && !asks.isBefore ? composer : $("log")).focus();
  if (opened) view.scrollDown();
  markSeen();
});

bridge.tell("ready");
begin();
