/** Files of an agent's reply: the tray below the field, and what is shown while they are sent. */

import { csrfToken } from "../js/csrf.js";
import { toast } from "../js/toast.js";
import { h } from "../widget/shared/dom.js";
import { sizeText, takeFiles, Tray } from "../widget/shared/uploads.js";

/** Make the tray of a conversation's composer; `article` takes what is dropped. */
export function makeTray({ article, composer, reply, words }) {
  const { uploadUrl: url, fileUrl, maxBytes, maxFiles } = composer.dataset;
  const input = composer.querySelector("input[type=file]");
  const limits = { max_bytes: Number(maxBytes), max_files: Number(maxFiles), accept: input.accept };
  const t = (key, values = {}) => (words[key] ?? key).replace(/\{(\w+)\}/gu, (whole, name) => values[name] ?? whole);
  const request = () => ({ url, headers: { "X-CSRFToken": csrfToken() }, removal: (id) => fileUrl.replace("{id}", id) });
  const tray = new Tray({ list: composer.querySelector(".uploads"), limits, t, request });
  const isOpen = () => !composer.hasAttribute("data-locked");
  takeFiles({ tray, button: composer.querySelector("[data-attach]"), input, field: reply, area: article.querySelector(".inbox-main"), isOpen });
  tray.addEventListener("refused", ({ detail }) => toast(detail, "error"));
  tray.addEventListener("emptied", () => reply.focus());
  // A reply may be files alone.
  tray.addEventListener("change", () => (reply.required = !tray.count));
  return tray;
}

/** Show files of a reply that is on its way. */
export function pendingFiles(parts) {
  return h("p", { class: "inbox-pending-files" }, parts.map(({ name, size }) => `${name} (${sizeText(size)})`).join(", "));
}
