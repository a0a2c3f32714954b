/** What is going on, in one line: who answers, how long the queue is, whether the line stands. */

import { h, icon } from "../shared/dom.js";
import { weekdayTime } from "../shared/time.js";
import { t } from "./words.js";

// A short drop is not worth alarming anybody: most reconnections take less than this.
const PATIENCE = 1_500;

export class Banners extends EventTarget {
  #parts;
  #tenant;
  #timer = null;

  constructor({ parts, tenant }) {
    super();
    this.#parts = parts;
    this.#tenant = tenant;
  }

  /** Show the conversation's state: {state, queue?, agent?}. */
  state({ state, queue = null, agent = null }) {
    const name = agent?.name ?? t("a_person");
    const lines = {
      ai: { subtitle: t("answers_at_once") },
      queued: { subtitle: t("waiting_short"), banner: this.#queued(queue) },
      assigned: { subtitle: t("talking_to", { name }), banner: this.#line("assigned", "check", t("joined", { name, tenant: this.#tenant })) },
      resolved: { subtitle: t("resolved_short"), banner: this.#resolved() },
    };
    const { subtitle, banner } = lines[state] ?? lines.ai;
    this.#parts.subtitle.textContent = subtitle;
    this.#parts.state.replaceChildren(...(banner ? [banner] : []));
    this.#person(state, name);
  }

  /** Show the line's state: "up", "down" (trying) or "refused". */
  line(state) {
    clearTimeout(this.#timer);
    const show = () => {
      this.#parts.avatar.dataset.line = state === "up" ? "up" : "down";
      this.#parts.line.replaceChildren(...(state === "up" ? [] : [this.#line("offline", "alert", t(`line_${state}`))]));
    };
    if (state === "down") this.#timer = setTimeout(show, PATIENCE);
    else show();
  }

  #person(state, name) {
    const { person, personText } = this.#parts;
    const words = { queued: t("waiting_button"), assigned: t("with_button", { name }) };
    personText.textContent = words[state] ?? t("talk_to_person");
    person.setAttribute("aria-disabled", String(state in words));
  }

  #line(kind, symbol, text, ...more) {
    return h("div", { class: "banner", "data-kind": kind }, icon(symbol), h("p", {}, text), ...more);
  }

  #queued(queue) {
    const dots = h("span", { class: "waiting-dots", "aria-hidden": "true" }, ...[0, 1, 2].map(() => h("span", { class: "dot" })));
    return this.#line("queued", "person", queueText(queue), dots);
  }

  #resolved() {
    const again = () => this.dispatchEvent(new CustomEvent("again"));
    return this.#line("resolved", "check", t("resolved"), h("button", { type: "button", onclick: again }, t("start_again")));
  }
}

/** Say what who waits may expect: their place and about how long, or when the team is back. */
function queueText(queue) {
  if (queue?.opens_at) return t("queued_closed", { when: weekdayTime(queue.opens_at) });
  const place = placeText(queue?.position ?? 0);
  if (!queue?.wait_seconds) return place;
  return `${place} ${t("queued_wait", { n: Math.max(1, Math.round(queue.wait_seconds / 60)) })}`;
}

function placeText(position) {
  if (position < 1) return t("queued");
  return position === 1 ? t("queued_next") : t("queued_at", { n: position });
}
