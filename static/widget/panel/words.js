/** The panel's words, translated by the server and left in the page as JSON. */

let words = {};

export function setWords(dictionary) {
  words = dictionary;
}

/** The text for `key` with `{name}` placeholders filled in; plural forms live under `key.one` and `key.other`. */
export function t(key, values = {}) {
  const plural = "n" in values ? new Intl.PluralRules(document.documentElement.lang || "en").select(values.n) : "";
  const text = words[`${key}.${plural}`] ?? words[`${key}.other`] ?? words[key] ?? key;
  return text.replace(/\{(\w+)\}/gu, (whole, name) => (name in values ? String(values[name]) : whole));
}
