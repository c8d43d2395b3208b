// What the reviewer must know at once stands above the case; what a screen reader should hear
// besides is said without being seen.

import { byId } from "../common/dom.js";

const banner = byId("banner", HTMLElement);
const spoken = byId("spoken", HTMLElement);

let shown = "";

/**
 * Show a text, with a button for what can be done about it; without a text, nothing.
 * @param {string} text
 * @param {string} label
 * @param {() => void} act
 */
export function warn(text, label = "", act = () => {}) {
  const wanted = text ? `${text} ${label}` : "";
  if (wanted === shown) {
    return; // a screen reader would say it again
  }
  shown = wanted;
  banner.hidden = !text;
  banner.replaceChildren(text.charAt(0).toUpperCase() + text.slice(1));
  if (text && label) {
    const button = document.createElement("button");
    button.textContent = label;
    button.addEventListener("click", act);
    banner.append(button);
  }
}

export function clearWarning() {
  warn("");
}

/** @param {string} text */
export function announce(text) {
  spoken.textContent = text;
}
