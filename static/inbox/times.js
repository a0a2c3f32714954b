/** Turn the server's times into the reader's: their time zone, their language. */

import { ago, clock, full, moment } from "../widget/shared/time.js";

const FORMS = { ago, clock, moment };

export function localiseTimes(scope) {
  for (const [name, format] of Object.entries(FORMS)) {
    for (const node of scope.querySelectorAll(`time[data-${name}]`)) {
      const text = format(node.dateTime);
      if (node.textContent !== text) node.textContent = text;
      node.title = full(node.dateTime);
    }
  }
}
