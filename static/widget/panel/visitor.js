/** Who the page says its visitor is, and what it says of them; told to the server with the session. */

import { call } from "./session.js";

/** Whom a token names, unchecked: a fresh token for the same customer is nobody new. */
function subjectOf(user) {
  if (!user?.user_token) return JSON.stringify(user);
  try {
    return JSON.parse(atob(user.user_token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))).sub;
  } catch {
    return user.user_token;
  }
}

export class Visitor {
  #user = null;
  #attributes = {};
  #told = "";

  /** The signed token, where the page gave one. */
  get token() {
    return this.#user?.user_token ?? "";
  }

  /** Take what the page says; true if it names somebody else than before. */
  name(user) {
    const isNew = subjectOf(user) !== subjectOf(this.#user);
    this.#user = user;
    return isNew;
  }

  describe(attributes) {
    this.#attributes = attributes ?? {};
  }

  forget() {
    this.#user = null;
    this.#attributes = {};
    this.#told = "";
  }

  /** Tell the server what it has not been told in this session; rejects as `call` does. */
  async tell({ config, session }) {
    const { name = "", email = "" } = this.token ? {} : (this.#user ?? {});
    const body = { attributes: this.#attributes, ...(name ? { name } : {}), ...(email ? { email } : {}) };
    const told = JSON.stringify([session.visitor_token, body]);
    const isEmpty = !name && !email && !Object.keys(this.#attributes).length;
    if (isEmpty || told === this.#told) return;
    this.#told = told;
    await call("visitor", { config, session, ...body });
  }
}
