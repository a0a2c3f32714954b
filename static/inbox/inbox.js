/** Start the inbox: one socket for news, a list, at most one open conversation, and the keyboard. */

import { readJson } from "../widget/shared/dom.js";
import { Conversation } from "./conversation.js";
import { installKeys } from "./keys.js";
import { List } from "./list.js";
import { Live } from "./live.js";
import { Team } from "./team.js";
import { localiseTimes } from "./times.js";
import { Viewers } from "./viewers.js";

const root = document.getElementById("inbox");
const words = readJson("inbox-words");
const list = new List({ root });
const pane = document.getElementById("inbox-conversation");
let conversation = null;

const live = new Live({ url: root.dataset.socket, line: document.getElementById("inbox-line"), words });

const team = new Team({ root: document.getElementById("inbox-team"), words });
const viewers = new Viewers({ live, words });

function openIn(scope) {
  conversation?.dispose();
  const article = scope.querySelector(".inbox-open");
  conversation = article ? new Conversation({ article, words, live }) : null;
  root.toggleAttribute("data-opened", Boolean(conversation));
  list.mark(conversation?.id ?? null);
  live.follow(conversation?.id ?? null);
  viewers.follow(conversation?.id ?? null, article?.querySelector("#inbox-viewers") ?? null);
  localiseTimes(root);
}

/** Something happened somewhere: what it was is read from the server. */
live.addEventListener("news", ({ detail }) => {
  if (!detail.conversation || detail.list) list.refreshSoon();
  const concerns = !detail.conversation || detail.conversation === conversation?.id;
  // Following a conversation sends what it holds already.
  if (concerns && !(detail.seq <= conversation?.lastSeq)) conversation?.update();
});
live.addEventListener("typing", ({ detail }) => {
  if (detail.conversation !== conversation?.id) return;
  if (detail.author === "visitor") conversation.showTyping(detail);
  else viewers.types(detail.name);
});
live.addEventListener("agents", () => team.refresh());

async function visit(url, { push = true } = {}) {
  const response = await fetch(url, { headers: { Accept: "text/html" }, credentials: "same-origin" });
  if (!response.ok || response.redirected) return void location.assign(url);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.getElementById("inbox-conversation");
  if (!fresh) return void location.assign(url);
  pane.replaceChildren(...fresh.childNodes);
  document.title = page.title;
  if (push) history.pushState({}, "", url);
  openIn(pane);
  conversation?.start();
  return undefined;
}

// Opening a conversation keeps the list, its scroll position and the socket.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a.inbox-row");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  visit(link.href);
});
window.addEventListener("popstate", () => visit(location.href, { push: false }));

installKeys({
  list,
  conversation: () => conversation,
  search: document.getElementById("inbox-search"),
  help: document.getElementById("inbox-help"),
});

openIn(pane);
conversation?.start();
live.start();
setInterval(() => localiseTimes(root), 30_000);
