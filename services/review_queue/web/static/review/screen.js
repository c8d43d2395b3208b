// What the review page shows: a case, or that there is none and why.

import { byId, find, fromTemplate } from "../common/dom.js";

/** @typedef {"loading" | "empty" | "paused" | "refused"} Message */

const main = byId("main", HTMLElement);

/** @param {import("./assignment.js").Assignment} assignment */
export function showCase(assignment) {
  main.replaceChildren(assignment.node);
  scrollTo({ top: 0 });
  find(assignment.node, "h1", HTMLElement).focus({ preventScroll: true });
}

/** @param {Message} name */
export function show(name) {
  if (shownMessage() === name) {
    return; // it may have the focus
  }
  const message = fromTemplate(name);
  message.dataset.name = name;
  main.replaceChildren(message);
  message.querySelector("h1")?.focus();
}

// Nothing is known of the next case yet. That there was none stands until there is one.
export function showLoading() {
  if (!["empty", "refused"].includes(shownMessage())) {
    show("loading");
  }
}

function shownMessage() {
  return main.firstElementChild?.getAttribute("data-name") ?? "";
}
