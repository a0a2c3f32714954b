/** What is asked of a visitor at its moment: the form before, an address while nobody is there, a rating after. */

import { h } from "../shared/dom.js";
import { formNode } from "./form.js";
import { ratingNode } from "./rating.js";
import { call } from "./session.js";
import { t } from "./words.js";

const CONTACT = () => [
  { id: "name", kind: "text", label: t("name"), required: false },
  { id: "email", kind: "email", label: t("email"), required: true },
];

export class Asks extends EventTarget {
  #config;
  #cards;
  #session = null;
  #was = "";

  constructor({ config, cards }) {
    super();
    this.#config = config;
    this.#cards = cards;
  }

  /** Whether the conversation has to wait for the form. */
  get isBefore() {
    return this.#cards.kind === "form";
  }

  /** Begin with a session: its form first, else what was not rated yet. */
  begin(session) {
    this.#session = session;
    this.#was = "";
    this.#cards.hide();
    if (session.form) this.#before(session.form);
    else if (session.unrated && this.#config.asks_rating) this.#rate(session.unrated);
  }

  /** The conversation's state changed; the first one heard is no change. */
  async state({ state }) {
    const was = this.#was;
    this.#was = state;
    if (state !== "queued") this.#cards.hide("contact");
    if (state !== "resolved" && was) this.#cards.hide("rating");
    if (state === "resolved" && was && was !== state && this.#config.asks_rating) this.#rate(this.#session.conversation_id);
    if (state === "queued" && was !== state) await this.#reach();
  }

  #call(name, body) {
    return call(name, { config: this.#config, session: this.#session, ...body });
  }

  #trouble = (error) => this.dispatchEvent(new CustomEvent("trouble", { detail: error }));

  #before(fields) {
    const send = async (answers) => {
      await this.#call("form", { conversation_id: this.#session.conversation_id, answers });
      this.#cards.hide();
      this.dispatchEvent(new CustomEvent("answered"));
    };
    const title = t("form_title");
    this.#cards.show("form", formNode({ title, fields, submit: t("form_start"), send, trouble: this.#trouble }), title);
  }

  /** Ask where to answer if nobody is there. */
  async #reach() {
    const conversation = this.#session.conversation_id;
    // Asking again changes nothing: it says how it stands.
    const { reachable, contact_known } = await this.#call("handover", { conversation_id: conversation }).catch(() => ({ reachable: true }));
    if (reachable || contact_known || this.#was !== "queued" || this.#session.conversation_id !== conversation) return;
    const send = async (answers) => {
      await this.#call("contact", { conversation_id: conversation, ...answers });
      this.#cards.thank("contact", t("offline_done", { email: answers.email }));
    };
    const title = t("offline_title");
    const words = { title, text: t("offline_text"), submit: t("offline_send") };
    this.#cards.show("contact", formNode({ ...words, fields: CONTACT(), send, trouble: this.#trouble }), title);
  }

  #rate(conversation, given = null) {
    const send = async (rating) => {
      await this.#call("rating", { conversation_id: conversation, ...rating });
      const again = () => this.#rate(conversation, rating);
      this.#cards.thank("rating", t("rate_done"), h("button", { type: "button", class: "quiet", onclick: again }, t("rate_change")));
    };
    this.#cards.show("rating", ratingNode({ given, send, trouble: this.#trouble }), t("rate_title"));
  }
}
