// Short notices. From a module: toast("Saved", "success"). From a view: the response header
// HX-Trigger: {"toast": {"message": "Saved", "level": "success"}}. Errors stay until dismissed.
const SECONDS_SHOWN = 6;

const stack = () => document.querySelector("[data-toasts]");

function dismissLater(item) {
  if (item.dataset.level === "error") return;
  setTimeout(() => item.remove(), SECONDS_SHOWN * 1000);
}

export function toast(message, level = "info") {
  const template = document.querySelector(`template[data-toast-template="${level}"]`)
    ?? document.querySelector('template[data-toast-template="info"]');
  if (!template || !stack()) return;
  const item = template.content.firstElementChild.cloneNode(true);
  item.querySelector("p").textContent = message;
  stack().append(item);
  dismissLater(item);
}

document.querySelectorAll("[data-toasts] > *").forEach(dismissLater);

document.addEventListener("click", (event) => {
  event.target.closest("[data-toast-close]")?.closest("[data-level]")?.remove();
});
document.addEventListener("toast", (event) => toast(event.detail.message, event.detail.level));
document.addEventListener("htmx:responseError", (event) => {
  toast(problemText(event.detail.xhr) ?? stack()?.dataset.errorText, "error");
});
document.addEventListener("htmx:sendError", () => toast(stack()?.dataset.offlineText, "error"));

function problemText(xhr) {
  if (!xhr.getResponseHeader("Content-Type")?.includes("json")) return null;
  try {
    const problem = JSON.parse(xhr.responseText);
    return problem.detail || problem.title;
  } catch {
    return null;
  }
}
