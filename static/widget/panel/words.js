/** The panel's words, translated by the server and left in the page as JSON. */

let words = {};

export function setWords(dictionary) {
  words = dictionary;
}

/** The text for `key` with `{name}` placeholders filled in. */
export function t(key, values = {}) {
  const text = words[key] ?? key;
  return text.replace(/\{(\w+)\}/gu, (whole, name) => (name in values ? String(values[name]) : whole));
}
