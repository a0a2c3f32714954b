/** Forms whose fields the workspace chose, checked here for comfort and by the server for good. */

import { h } from "../shared/dom.js";
import { t } from "./words.js";

const ADDRESS = /^[^\s@]+@[^\s@]+\.[^\s@]+$/u;
const COMPLETE = { email: "email", name: "name" };

function control(field, id) {
  const shared = { id, name: field.id, "aria-describedby": `${id}-fault`, "aria-required": field.required ? "true" : null };
  if (field.kind === "select") {
    return h("select", shared, h("option", { value: "" }, t("choose")), ...field.options.map((option) => h("option", { value: option }, option)));
  }
  if (field.kind === "checkbox" || field.kind === "consent") return h("input", { ...shared, type: "checkbox" });
  const type = field.kind === "email" ? "email" : "text";
  return h("input", { ...shared, type, maxlength: 500, dir: "auto", autocomplete: COMPLETE[field.kind] ?? COMPLETE[field.id] ?? "off" });
}

function row(field) {
  const id = `field-${field.id}`;
  const input = control(field, id);
  const hint = field.required ? null : h("span", { class: "optional" }, ` (${t("optional")})`);
  const label = h("label", { for: id }, h("bdi", {}, field.label), hint);
  const fault = h("p", { class: "fault", id: `${id}-fault` });
  const isTick = input.type === "checkbox";
  const node = h("div", { class: isTick ? "field tick" : "field" }, ...(isTick ? [input, label] : [label, input]), fault);
  return { field, input, fault, node };
}

function faultOf({ field, input }) {
  if (input.type === "checkbox") return field.required && !input.checked ? t("fault_consent") : "";
  const value = input.value.trim();
  if (!value) return field.required ? t("fault_required") : "";
  return field.kind === "email" && !ADDRESS.test(value) ? t("fault_email") : "";
}

function mark({ input, fault }, text) {
  fault.textContent = text;
  input.setAttribute("aria-invalid", String(Boolean(text)));
}

const valueOf = (input) => (input.type === "checkbox" ? input.checked : input.value.trim());

/** Make a form; `send(answers)` may reject with the server's faults, which are shown at their fields. */
export function formNode({ title, text, fields, submit, send, trouble }) {
  const rows = fields.map(row);
  const button = h("button", { type: "submit", class: "primary" }, submit);
  const form = h(
    "form",
    { class: "card-form", novalidate: true },
    h("h2", {}, title),
    text ? h("p", { class: "card-text" }, text) : null,
    ...rows.map(({ node }) => node),
    button,
  );
  for (const each of rows) each.input.addEventListener("input", () => mark(each, ""));

  function refuse(faults) {
    for (const each of rows) mark(each, faults(each));
    const first = rows.find(({ fault }) => fault.textContent);
    first?.input.focus();
    return Boolean(first);
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled") === "true" || refuse(faultOf)) return;
    button.setAttribute("aria-disabled", "true");
    try {
      await send(Object.fromEntries(rows.map(({ field, input }) => [field.id, valueOf(input)])));
    } catch (error) {
      const pointers = (error.errors ?? []).map(({ pointer }) => String(pointer).split("/").pop());
      if (!refuse(({ field }) => (pointers.includes(field.id) ? t(field.kind === "email" ? "fault_email" : "fault_invalid") : ""))) trouble(error);
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
  return form;
}
