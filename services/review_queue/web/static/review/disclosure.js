// What a reviewer opens on a case: rows and panels unfold, and what was opened is remembered as
// evidence that it was looked at.

import { find, origin } from "../common/dom.js";

/** @typedef {(panel: string) => void} Remember */

/**
 * The panels that are opened.
 * @param {HTMLElement} node
 * @param {string[]} before what was opened earlier
 * @param {() => void} changed called when something is added
 * @returns {Set<string>}
 */
export function watchPanels(node, before, changed) {
  const opened = new Set(before);
  /** @type {Remember} */
  const remember = (panel) => {
    opened.add(panel);
    changed();
  };
  node.addEventListener("click", (event) => {
    const target = origin(event);
    const details = target.closest("summary")?.parentElement;
    /** @type {HTMLElement | null} */
    const button = target.closest(".unfold");
    const link = target.closest("a[href^='#']");
    if (details instanceof HTMLDetailsElement && details.dataset.panel && !details.open) {
      remember(details.dataset.panel); // it opens by itself
    } else if (button) {
      unfold(button, node, remember);
    } else if (link) {
      event.preventDefault();
      show(find(node, link.getAttribute("href") ?? "", HTMLElement), node);
    }
  });
  return opened;
}

/**
 * @param {HTMLElement} button
 * @param {HTMLElement} node
 * @param {Remember} remember
 */
function unfold(button, node, remember) {
  const part = find(node, `#${button.getAttribute("aria-controls")}`, HTMLElement);
  part.hidden = !part.hidden;
  button.setAttribute("aria-expanded", String(!part.hidden));
  if (!part.hidden && part.dataset.panel) {
    remember(part.dataset.panel);
  }
}

/**
 * Go to a part that a link names, and open it.
 * @param {HTMLElement} part
 * @param {HTMLElement} node
 */
function show(part, node) {
  /** @type {HTMLElement | null} */
  const opener = part.querySelector("summary") ?? node.querySelector(`[aria-controls=${part.id}]`);
  if (part.hidden || (part instanceof HTMLDetailsElement && !part.open)) {
    opener?.click();
  }
  opener?.focus();
  part.scrollIntoView({ block: "nearest" });
}
