// Behaviour of the shared components, by data attribute, on the document: it also serves
// whatever htmx swaps in later.
import "./csrf.js";
import "./toast.js";

const root = document.documentElement;

function isDark() {
  if (root.dataset.theme) return root.dataset.theme === "dark";
  return window.matchMedia("(prefers-color-scheme: dark)").matches;
}

function toggleTheme() {
  root.dataset.theme = isDark() ? "light" : "dark";
  window.localStorage.setItem("theme", root.dataset.theme);
}

function setDrawer(isOpen) {
  document.body.classList.toggle("drawer-open", isOpen);
  const toggle = document.querySelector("[data-drawer-toggle]");
  toggle?.setAttribute("aria-expanded", String(isOpen));
  if (isOpen) document.querySelector("#navigation a")?.focus();
}

async function copyFrom(button) {
  const source = document.getElementById(button.dataset.copy);
  if (!navigator.clipboard) {
    // Plain HTTP on a host other than localhost: select it, so that Ctrl+C does the rest.
    window.getSelection().selectAllChildren(source);
    return;
  }
  await navigator.clipboard.writeText(source.value ?? source.textContent.trim());
  const label = button.querySelector("[data-copy-label]");
  if (!label) return;
  label.textContent = button.dataset.copied;
  setTimeout(() => { label.textContent = button.dataset.idle; }, 2000);
}

// The browser would focus the close button; what someone came for is the first field.
function openDialog(dialog) {
  dialog.showModal();
  const fields = "input:not([type='hidden']), select, textarea";
  (dialog.querySelector("[aria-invalid='true']") ?? dialog.querySelector(fields))?.focus();
}

const actions = {
  "[data-theme-toggle]": toggleTheme,
  "[data-drawer-toggle]": () => setDrawer(!document.body.classList.contains("drawer-open")),
  "[data-drawer-close]": () => setDrawer(false),
  "[data-dialog-open]": (element) => openDialog(document.getElementById(element.dataset.dialogOpen)),
  "[data-dialog-close]": (element) => element.closest("dialog").close(),
  "[data-copy]": copyFrom,
};

document.addEventListener("click", (event) => {
  for (const [selector, action] of Object.entries(actions)) {
    const element = event.target.closest(selector);
    if (element) action(element);
  }
  if (event.target.matches("dialog[data-light-dismiss]")) event.target.close();
  document.querySelectorAll("details.menu[open]").forEach((menu) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  setDrawer(false);
  document.querySelectorAll("details.menu[open]").forEach((menu) => {
    menu.open = false;
    menu.querySelector("summary").focus();
  });
});

// On a phone the settings are a row that scrolls: the current one is to be seen.
document.querySelector(".settings-nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// After a form came back with errors, start at the first of them.
document.querySelector("main [aria-invalid='true']")?.focus();

// A form that asks first: <form data-confirm="Delete this document?">
document.addEventListener("submit", (event) => {
  const question = event.target.dataset?.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

// A form is sent once: a second click while the server works is not a second order.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "true";
});
window.addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
});

// <select data-submit-on-change> in a form
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
});

// A dialog that the server sends open: <dialog data-open-on-load>
function openRequested(scope) {
  scope.querySelectorAll("dialog[data-open-on-load]:not([open])").forEach(openDialog);
}
openRequested(document);
document.addEventListener("htmx:load", (event) => openRequested(event.detail.elt.parentElement ?? document));
