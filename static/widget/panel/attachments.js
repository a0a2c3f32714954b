/** The panel's side of files: what waits to be sent, and how those of messages are shown. */

import { h, icon } from "../shared/dom.js";
import { sizeText, takeFiles, Tray } from "../shared/uploads.js";
import { t } from "./words.js";

const IMAGES = ["image/png", "image/jpeg", "image/webp", "image/gif"];
// A thumbnail's longer side; the place is kept free before the picture is there.
const THUMBNAIL = 220;

/** Make the tray of files to send; `session()` gives the visitor's, or null before there is one. */
export function makeTray({ form, list, limits, session, area }) {
  const request = () => {
    const { conversation_id: conversation, visitor_token: token } = session() ?? {};
    if (!token) return null;
    return {
      url: limits.upload_url.replace("{conversation}", conversation),
      removal: (id) => limits.file_url.replace("{id}", id),
      headers: { Authorization: `Bearer ${token}` },
    };
  };
  const tray = new Tray({ list, limits, t, request, previews: true });
  const field = form.querySelector("textarea");
  takeFiles({ tray, button: form.querySelector(".attach"), input: form.querySelector("input[type=file]"), field, area });
  tray.addEventListener("emptied", () => field.focus({ preventScroll: true }));
  return tray;
}

/** Draws the files of messages. They are fetched with the visitor's token, so no address of theirs opens them elsewhere. */
export class Files extends EventTarget {
  #token;
  #addresses = new Map();

  constructor({ token }) {
    super();
    this.#token = token;
  }

  /** Show a picture from what this browser has sent, before the server gives it. */
  keep(parts) {
    for (const { id, preview } of parts) if (preview) this.#addresses.set(id, Promise.resolve(preview));
  }

  draw(parts) {
    const items = parts.map((part) => h("li", {}, IMAGES.includes(part.media_type) ? this.#picture(part) : this.#chip(part)));
    return h("ul", { class: "files", "aria-label": t("files") }, ...items);
  }

  #picture(part) {
    const scale = Math.min(1, THUMBNAIL / Math.max(part.width, part.height));
    const image = h("img", { alt: part.name, width: Math.max(24, Math.round(part.width * scale)), height: Math.max(24, Math.round(part.height * scale)) });
    const link = h("a", { class: "picture", target: "_blank", rel: "noopener", title: part.name, "aria-label": t("file_open", { name: part.name }) }, image);
    this.#address(part).then(
      (address) => {
        image.src = address;
        link.href = address;
      },
      () => link.replaceWith(this.#chip(part)),
    );
    return link;
  }

  #chip(part) {
    const label = t("file_download", { name: part.name, size: sizeText(part.size) });
    const parts = [icon("source"), h("span", { class: "file-name", dir: "auto" }, part.name), h("span", { class: "file-size" }, sizeText(part.size))];
    return h("button", { type: "button", class: "file", title: part.name, "aria-label": label, onclick: () => this.#save(part) }, ...parts);
  }

  async #save(part) {
    try {
      const link = h("a", { href: await this.#address(part), download: part.name });
      link.click();
    } catch {
      this.dispatchEvent(new CustomEvent("trouble", { detail: t("trouble") }));
    }
  }

  #address(part) {
    if (!this.#addresses.has(part.id)) this.#addresses.set(part.id, this.#fetch(part));
    return this.#addresses.get(part.id);
  }

  async #fetch(part) {
    try {
      const response = await fetch(part.url, { headers: { Authorization: `Bearer ${this.#token()}` }, credentials: "omit" });
      if (!response.ok) throw new Error(String(response.status));
      return URL.createObjectURL(await response.blob());
    } catch (error) {
      this.#addresses.delete(part.id);
      throw error;
    }
  }
}
