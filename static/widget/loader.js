/*
 * Frontdesk: <script src="https://acme.example/widget.js" data-key="wk_..." async></script>
 *
 * A launcher in a shadow root, styled by constructable stylesheets, which a strict style-src
 * allows; the iframe with the conversation is made when first wanted.
 */
(() => {
  "use strict";

  const NAME = "frontdesk";
  const PHONE = "(max-width:480px),(max-height:460px)";
  const script = document.currentScript;
  const settings = /*settings*/ {} /*end*/;

  if (window.$frontdesk || !script || !script.src) return;

  const origin = new URL(script.src).origin;
  const key = script.dataset.key || "";
  const side = script.dataset.position === "left" ? "left" : "right";
  const look = { accent: "#0e5f4c", ink: "#fff", ...settings.look };
  const spoken = { en: ["Open chat", "Close chat", "Unread: {n}", "Chat"], ...settings.words };
  const words = {};

  const listeners = new Map();
  const fired = new Map();
  let button, badge, frame, box, watchdog;
  let shown = false;
  let panelReady = false;
  let hasReset = false;
  let unread = 0;
  let locale = script.dataset.locale || "";
  // What the page said of its visitor: told again to every panel that starts.
  const said = { user: null, attributes: {} };

  /* what the page can call */

  const api = {
    open: () => show(true),
    close: () => show(false),
    toggle: () => show(!shown),
    /** Name the visitor: a token your server signed, {user_token} or, unsigned, {name, email}. */
    setUser(user) {
      const token = typeof user === "string" ? user : (user || {}).user_token;
      const { name = "", email = "" } = user || {};
      if (!token && !name && !email) return fail("user_invalid", "setUser needs a token, a name or an e-mail address.");
      said.user = token ? { user_token: String(token) } : { name: String(name), email: String(email) };
      prepare();
      tell("user", { user: said.user });
    },
    setAttributes(attributes) {
      if (!attributes || typeof attributes !== "object") return fail("attributes_invalid", "setAttributes needs an object.");
      // What a message cannot carry must not break the page.
      said.attributes = JSON.parse(JSON.stringify({ ...said.attributes, ...attributes }));
      prepare();
      tell("attributes", { attributes: said.attributes });
    },
    setLocale(code) {
      locale = String(code || "");
      choose();
      if (!frame) return;
      panelReady = false;
      frame.src = address();
    },
    reset() {
      for (const name of ["known", "kept"]) remember("localStorage", name, null);
      said.user = null;
      said.attributes = {};
      setUnread(0);
      tell("reset");
      hasReset = !panelReady;
    },
    on(event, handler) {
      if (!listeners.has(event)) listeners.set(event, new Set());
      listeners.get(event).add(handler);
      // Scripts load in any order: late subscribers hear of it too.
      if (fired.has(event)) handler(fired.get(event));
      return () => listeners.get(event).delete(handler);
    },
    get isOpen() {
      return shown;
    },
    get unread() {
      return unread;
    },
  };
  window.$frontdesk = Object.freeze(api);

  function emit(event, detail) {
    if (event === "ready" || event === "error") fired.set(event, detail);
    for (const handler of listeners.get(event) || []) handler(detail);
    window.dispatchEvent(new CustomEvent(`${NAME}:${event}`, { detail }));
  }

  function fail(code, message) {
    console.error(`[${NAME}] ${message}`);
    emit("error", { code, message });
  }

  /* storage: where it is blocked, the page must not break */

  function remember(store, name, value) {
    const slot = `${NAME}:${key}:${name}`;
    try {
      if (value === undefined) return window[store].getItem(slot);
      if (value) window[store].setItem(slot, value);
      else window[store].removeItem(slot);
    } catch {
      // Forgotten, then.
    }
    return null;
  }

  /* words */

  /** Speak what the page asks for, else what the browser does, else English. */
  function choose() {
    const known = [locale, ...(navigator.languages || [])].map((code) => code.toLowerCase().split(/[-_]/)[0]);
    const code = known.find((each) => Object.hasOwn(spoken, each)) || "en";
    [words.open, words.close, words.unread, words.title] = spoken[code];
    words.title = words.title.replace("{name}", settings.name || "");
    if (!box) return;
    box.lang = button.lang = code;
    box.setAttribute("aria-label", words.title);
    if (frame) frame.title = words.title;
    label();
  }

  /* looks */

  const CSS = `
:host{all:initial;display:block!important}
*{box-sizing:border-box}
.dock{--gap:20px;position:fixed;z-index:2147483000;bottom:calc(var(--gap) + env(safe-area-inset-bottom))}
.dock.right{right:calc(var(--gap) + env(safe-area-inset-right))}
.dock.left{left:calc(var(--gap) + env(safe-area-inset-left))}
button{position:relative;display:grid;place-items:center;width:56px;height:56px;padding:0;border:0;border-radius:50%;
 background:var(--accent);color:var(--ink);cursor:pointer;
 box-shadow:0 1px 6px rgb(9 14 21/.10),0 8px 28px rgb(9 14 21/.22);transition:transform .16s ease}
button:hover{transform:scale(1.06)}
button:focus-visible{outline:3px solid var(--accent);outline-offset:3px}
svg{grid-area:1/1;width:26px;height:26px;fill:none;stroke:currentColor;stroke-width:1.9;stroke-linecap:round;stroke-linejoin:round;transition:opacity .16s linear,transform .2s ease}
.chevron{opacity:0;transform:rotate(-30deg)}
.open .bubble{opacity:0;transform:rotate(30deg) scale(.7)}
.open .chevron{opacity:1;transform:none}
.badge{position:absolute;top:-3px;right:-3px;min-width:20px;height:20px;padding:0 5px;border-radius:10px;
 background:#c8102e;color:#fff;font:600 12px/20px system-ui,sans-serif;text-align:center}
.box{position:fixed;z-index:2147483001;bottom:calc(92px + env(safe-area-inset-bottom));width:400px;
 height:min(704px,calc(100vh - 112px));height:min(704px,calc(100dvh - 112px));max-width:calc(100vw - 40px);
 border-radius:16px;overflow:hidden;background:Canvas;visibility:hidden;opacity:0;pointer-events:none;
 transform:translateY(14px) scale(.985);transform-origin:bottom right;
 box-shadow:0 5px 40px rgb(9 14 21/.16),0 0 0 1px rgb(9 14 21/.06);
 transition:opacity .18s ease,transform .22s cubic-bezier(.2,.8,.2,1),visibility 0s .22s}
.box.right{right:calc(20px + env(safe-area-inset-right))}
.box.left{left:calc(20px + env(safe-area-inset-left));transform-origin:bottom left}
.box.open{visibility:visible;opacity:1;pointer-events:auto;transform:none;transition-delay:0s}
iframe{display:block;width:100%;height:100%;border:0;color-scheme:normal}
@media ${PHONE}{
 .box,.box.right,.box.left{inset:0;width:100%;max-width:none;height:100vh;height:100dvh;border-radius:0}
 .dock.open{visibility:hidden}}
@media (prefers-color-scheme:dark){.box{box-shadow:0 5px 40px rgb(0 0 0/.6),0 0 0 1px rgb(255 255 255/.1)}}
@media (prefers-reduced-motion:reduce){*{transition-duration:.01ms!important}button:hover,.box{transform:none}}
@media print{.dock,.box{display:none}}`;

  function element(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }

  function icon(name, path) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    const shape = document.createElementNS(space, "path");
    for (const [attribute, value] of [["class", name], ["viewBox", "0 0 24 24"], ["aria-hidden", "true"]]) svg.setAttribute(attribute, value);
    shape.setAttribute("d", path);
    svg.append(shape);
    return svg;
  }

  function mount() {
    const shadowHost = element("div", { id: `${NAME}-widget` });
    const root = shadowHost.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
    root.adoptedStyleSheets = [sheet];

    badge = element("span", { class: "badge", hidden: "", "aria-hidden": "true" });
    button = element(
      "button",
      { type: "button", "aria-label": words.open, "aria-expanded": "false", "aria-haspopup": "dialog", "aria-controls": "panel" },
      icon("bubble", "M21 11.5a8.4 8.4 0 0 1-8.5 8.2 8.8 8.8 0 0 1-3.9-.9L3.5 20l1.4-4.3A7.9 7.9 0 0 1 4 11.5a8.4 8.4 0 0 1 17 0Z"),
      icon("chevron", "m6 9.5 6 6 6-6"),
      badge,
    );
    box = element("div", { id: "panel", class: `box ${side}`, role: "dialog", "aria-label": words.title });
    const dock = element("div", { class: `dock ${side}` }, button);
    for (const node of [dock, box]) {
      // CSSOM, which no style-src forbids.
      node.style.setProperty("--accent", look.accent);
      node.style.setProperty("--ink", look.ink);
      node.style.colorScheme = { light: "light", dark: "dark" }[settings.theme] || "light dark";
    }
    root.append(dock, box);
    button.addEventListener("click", api.toggle);
    root.addEventListener("keydown", (event) => event.key === "Escape" && shown && show(false));
    choose();
    document.body.append(shadowHost);
  }

  /* the panel */

  function address() {
    const source = new URL("/widget/panel/", origin);
    source.searchParams.set("key", key);
    source.searchParams.set("origin", location.origin);
    if (locale) source.searchParams.set("locale", locale);
    return source.href;
  }

  /** Load the panel when the page is idle: somebody may have written, or a name may be refused. */
  function prepare() {
    if (box && !frame) (window.requestIdleCallback || setTimeout)(() => frame || createFrame());
  }

  function createFrame() {
    frame = element("iframe", {
      title: words.title,
      allow: "clipboard-write",
      referrerpolicy: "strict-origin-when-cross-origin",
      src: address(),
    });
    box.append(frame);
    watchdog = setTimeout(() => fail("panel_unreachable", "The chat panel did not load."), 15000);
  }

  function tell(type, data) {
    if (frame && panelReady) frame.contentWindow.postMessage({ from: NAME, type, ...data }, origin);
  }

  function tellHost() {
    tell("host", { open: shown, page: location.href, title: document.title, kept: remember("localStorage", "kept") });
  }

  const isPhone = () => matchMedia(PHONE).matches;

  function show(wanted, moveFocus = true) {
    if (!box || wanted === shown) return;
    if (wanted && !frame) createFrame();
    shown = wanted;
    box.classList.toggle("open", shown);
    button.parentNode.classList.toggle("open", shown);
    button.setAttribute("aria-expanded", String(shown));
    document.documentElement.style.overflow = shown && isPhone() ? "hidden" : "";
    remember("sessionStorage", "open", shown ? "1" : null);
    label();
    tellHost();
    if (moveFocus) (shown ? frame : button).focus({ preventScroll: true });
    emit(shown ? "open" : "close");
  }

  function label() {
    const name = shown ? words.close : words.open;
    button.setAttribute("aria-label", unread && !shown ? `${name} (${words.unread.replace("{n}", unread)})` : name);
  }

  function setUnread(count) {
    unread = count;
    if (!badge) return;
    badge.hidden = !count;
    badge.textContent = count > 9 ? "9+" : String(count);
    label();
    emit("unread", { count });
  }

  const heard = {
    ready() {
      clearTimeout(watchdog);
      panelReady = true;
      if (hasReset) tell("reset");
      hasReset = false;
      // Before `host`, at which the panel begins.
      tell("attributes", { attributes: said.attributes });
      if (said.user) tell("user", { user: said.user });
      tellHost();
    },
    close: () => show(false),
    unread: (data) => setUnread(Math.max(0, Number(data.count) || 0)),
    message: ({ id, seq, author, name, at }) => emit("message", { id, seq, author, name, at }),
    started: () => remember("localStorage", "known", "1"),
    // For browsers that give a frame no storage.
    keep: (data) => remember("localStorage", "kept", String(data.kept)),
    error: (data) => fail(String(data.code || "panel_error"), String(data.message || "The chat panel failed.")),
  };

  window.addEventListener("message", (event) => {
    const data = event.data;
    if (!frame || event.origin !== origin || event.source !== frame.contentWindow) return;
    if (data && data.from === NAME && Object.hasOwn(heard, data.type)) heard[data.type](data);
  });
  window.addEventListener("popstate", tellHost);

  function start() {
    if (!key) return fail("key_missing", "The script tag has no data-key.");
    mount();
    emit("ready", { key });
    if (remember("sessionStorage", "open") && !isPhone()) return show(true, false);
    // Who has written before sees replies without opening the panel.
    if (remember("localStorage", "known") || said.user) prepare();
  }

  if (document.body) start();
  else document.addEventListener("DOMContentLoaded", start);
})();
