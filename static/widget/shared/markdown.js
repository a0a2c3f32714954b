/**
 * Render a message's text as DOM nodes.
 *
 * A small, safe subset of Markdown: paragraphs, line breaks, bullet and numbered lists, bold,
 * emphasis, code, and http(s) links. Data never reaches `innerHTML`; every character ends in a text
 * node or in the `href` of a link whose scheme was checked. `[1]` becomes a citation when the
 * message has a citation of that number. Patterns are linear, so a hostile message costs no more
 * than its length.
 */
import { h } from "./dom.js";

const INLINE = new RegExp(
  [
    /\*\*(?<bold>[^*\n]+)\*\*/,
    /`(?<code>[^`\n]+)`/,
    /\[(?<label>[^\]\n]{1,300})\]\((?<target>https?:\/\/[^\s()]{1,2000})\)/,
    /\[(?<number>\d{1,3})\]/,
    /(?<bare>https?:\/\/[^\s<>"'()[\]]{1,2000})/,
    /(?<![\w*])[*_](?<emphasis>[^\s*_](?:[^*_\n]{0,300}[^\s*_])?)[*_](?![\w*])/,
  ]
    .map((part) => part.source)
    .join("|"),
  "gu",
);
const BULLET = /^\s{0,3}[-*•]\s+(?<text>.*)$/u;
const NUMBERED = /^\s{0,3}(?<start>\d{1,3})[.)]\s+(?<text>.*)$/u;
const HEADING = /^\s{0,3}#{1,4}\s+(?<text>.*)$/u;

/** The URL if it is plain http or https, else null. */
export function safeUrl(text, base = undefined) {
  try {
    const url = new URL(text, base);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}

function link(label, target) {
  const href = safeUrl(target);
  if (!href) return document.createTextNode(label);
  return h("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, label);
}

function bareLink(text) {
  // Punctuation at the end belongs to the sentence, not to the address.
  const target = text.replace(/[.,;:!?]+$/u, "");
  const rest = text.slice(target.length);
  return rest ? [link(target, target), rest] : [link(target, target)];
}

function inlineNode(groups, whole, cite) {
  if (groups.bold) return [h("strong", {}, ...inline(groups.bold, cite))];
  if (groups.code) return [h("code", {}, groups.code)];
  if (groups.emphasis) return [h("em", {}, groups.emphasis)];
  if (groups.label) return [link(groups.label, groups.target)];
  if (groups.bare) return bareLink(groups.bare);
  return [cite(Number(groups.number)) || whole];
}

function inline(text, cite) {
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    const made = inlineNode(match.groups, match[0], cite);
    const before = text.slice(at, match.index);
    // A citation belongs to the word before it and never starts a line.
    nodes.push(match.groups.number && made[0] !== match[0] ? before.trimEnd() : before, ...made);
    at = match.index + match[0].length;
  }
  if (at < text.length) nodes.push(text.slice(at));
  return nodes;
}

function kindOf(line) {
  if (!line.trim()) return { kind: "blank", text: "" };
  const bullet = BULLET.exec(line);
  if (bullet) return { kind: "ul", text: bullet.groups.text };
  const numbered = NUMBERED.exec(line);
  if (numbered) return { kind: "ol", text: numbered.groups.text, start: Number(numbered.groups.start) };
  const heading = HEADING.exec(line);
  if (heading) return { kind: "heading", text: heading.groups.text };
  return { kind: "p", text: line };
}

function blocksOf(text) {
  const blocks = [];
  for (const line of text.replace(/\r\n?/gu, "\n").split("\n")) {
    const { kind, text: content, start } = kindOf(line);
    const last = blocks[blocks.length - 1];
    if (last && last.kind === kind && kind !== "heading") last.lines.push(content);
    else blocks.push({ kind, start, lines: [content] });
  }
  return blocks.filter((block) => block.kind !== "blank");
}

function listNode(block, cite) {
  const items = block.lines.map((line) => h("li", {}, ...inline(line, cite)));
  return h(block.kind, { start: block.start > 1 ? block.start : null }, ...items);
}

function blockNode(block, cite) {
  if (block.kind === "ul" || block.kind === "ol") return listNode(block, cite);
  if (block.kind === "heading") return h("p", { class: "md-heading" }, h("strong", {}, ...inline(block.lines[0], cite)));
  const paragraph = h("p");
  block.lines.forEach((line, index) => {
    if (index) paragraph.append(h("br"));
    paragraph.append(...inline(line, cite));
  });
  return paragraph;
}

/** A fragment for `text`; `cite(number)` gives the node of a citation, or null if there is none. */
export function renderMarkdown(text, cite = () => null) {
  const fragment = document.createDocumentFragment();
  for (const block of blocksOf(String(text))) fragment.append(blockNode(block, cite));
  return fragment;
}

/** A fragment for text people typed: no Markdown but links and line breaks. */
export function renderPlain(text) {
  const paragraph = h("p");
  String(text)
    .replace(/\r\n?/gu, "\n")
    .split("\n")
    .forEach((line, index) => {
      if (index) paragraph.append(h("br"));
      let at = 0;
      for (const match of line.matchAll(/https?:\/\/[^\s<>"'()[\]]{1,2000}/gu)) {
        paragraph.append(line.slice(at, match.index), ...bareLink(match[0]));
        at = match.index + match[0].length;
      }
      paragraph.append(line.slice(at));
    });
  return paragraph;
}
