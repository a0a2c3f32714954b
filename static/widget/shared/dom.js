/** Small DOM vocabulary shared by the widget's panel and the inbox. Text always becomes text nodes. */

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  send: "M5 12h13M12.5 5.500 19 12l-6.500 6.500",
  clip: "m20 11.500-8.200 8.200a5 5 0 0 1-7.100-7.100l8.500-8.500a3.400 3.400 0 0 1 4.800 4.800l-8.500 8.400a1.700 1.700 0 0 1-2.400-2.400l7.700-7.600",
  close: "M6 6l12 12M18 6 6 18",
  down: "m6 9 6 6 6-6",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7.500 8.500a7.500 7.500 0 0 1 15 0",
  source: "M7 3.500h7l4 4V20a.5.5 0 0 1-.5.5h-10A.5.5 0 0 1 7 20Zm7 0V8h4M10 12.500h5M10 16h5",
  alert: "M12 8v5m0 3.500v.01M12 3.500 2.800 19.500h18.400Z",
  check: "m5 12.500 4.500 4.500L19 7.500",
  clock: "M12 7v5l3 2m6-2a9 9 0 1 1-18 0 9 9 0 0 1 18 0Z",
  spark: "M12 3.500l1.900 5.600 5.600 1.900-5.600 1.900L12 18.500l-1.900-5.600L4.500 11l5.600-1.900ZM19 16.500v4M17 18.500h4",
  star: "m12 3.500 2.600 5.400 5.900.8-4.300 4.100 1.100 5.900L12 16.800l-5.300 2.900 1.100-5.900-4.300-4.100 5.900-.8Z",
  forward: "m9 6 6 6-6 6",
  refresh: "M20 11a8 8 0 1 0-2.300 6.300M20 5v6h-6",
};

/** Make an element: `h("p", { class: "note", hidden: true, onclick: fn }, "text", node)`. */
export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Make one of the named line icons; decorative, so hidden from assistive technology. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  const look = {
    class: "icon",
    viewBox: "0 0 24 24",
    fill: "none",
    stroke: "currentColor",
    "stroke-width": "1.8",
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
    "aria-hidden": "true",
    focusable: "false",
  };
  for (const [attribute, value] of Object.entries(look)) svg.setAttribute(attribute, value);
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** Read the JSON a template left in `<script type="application/json" id=…>`. */
export function readJson(id) {
  return JSON.parse(document.getElementById(id).textContent);
}

/** Up to two initials of a name, for avatars. */
export function initials(name) {
  const parts = String(name || "").trim().split(/\s+/u).filter(Boolean);
  const letters = parts.length > 1 ? [parts[0], parts[parts.length - 1]] : parts;
  return letters.map((part) => [...part][0].toLocaleUpperCase()).join("") || "?";
}

/** A stable hue (0–359) for a name, so that one person keeps one avatar colour. */
export function hueOf(name) {
  let hash = 0;
  for (const letter of String(name || "")) hash = (hash * 31 + letter.codePointAt(0)) >>> 0;
  return hash % 360;
}

/** A random identifier; `randomUUID` exists only in secure contexts. */
export function randomId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
