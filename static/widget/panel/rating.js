/** How was it? Five stars, which are radio buttons, and a comment for who wants to leave one. */

import { h, icon } from "../shared/dom.js";
import { t } from "./words.js";

const SCORES = [1, 2, 3, 4, 5];
const COMMENT_LIMIT = 1_000;

/** Make the card; `send({score, comment})` may reject. `given` is what was said before. */
export function ratingNode({ given, send, trouble }) {
  const said = h("output", { class: "score-text" }, given ? t(`rate_${given.score}`) : "");
  const comment = h("textarea", { id: "rating-comment", rows: "2", maxlength: COMMENT_LIMIT, dir: "auto" });
  comment.value = given?.comment ?? "";
  const more = h(
    "div",
    { class: "field", hidden: !given },
    h("label", { for: "rating-comment" }, t("rate_comment"), h("span", { class: "optional" }, ` (${t("optional")})`)),
    comment,
    h("button", { type: "submit", class: "primary" }, t("rate_send")),
  );
  const stars = SCORES.map((score) => {
    const input = h("input", { type: "radio", name: "score", value: score, class: "sr-only", id: `score-${score}` });
    input.checked = given?.score === score;
    return [input, h("label", { for: `score-${score}`, title: t(`rate_${score}`) }, icon("star"), h("span", { class: "sr-only" }, t(`rate_${score}`)))];
  });
  const form = h(
    "form",
    { class: "card-form rating" },
    h("fieldset", {}, h("legend", {}, t("rate_title")), h("div", { class: "stars" }, ...stars.flat()), said),
    more,
  );
  const score = () => Number(form.querySelector("input:checked")?.value ?? 0);
  const paint = () => form.querySelectorAll(".stars label").forEach((label, at) => label.classList.toggle("on", at < score()));
  form.addEventListener("change", (event) => {
    if (event.target.name !== "score") return;
    said.textContent = t(`rate_${score()}`);
    more.hidden = false;
    paint();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await send({ score: score(), comment: comment.value.trim() });
    } catch (error) {
      trouble(error);
    }
  });
  paint();
  return form;
}
