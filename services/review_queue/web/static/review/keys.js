// One handler for all keys. Keys never act while somebody writes or a dialog is open; who works by
// voice, or hits keys unawares, switches the single ones off.

import { byId, origin } from "../common/dom.js";

/**
 * What a key does; it says whether the key was for it, and nothing says yes.
 * @typedef {(event: KeyboardEvent) => unknown} KeyAction
 */

const OFF = "letters=off";
const letters = byId("letters", HTMLInputElement);

letters.checked = !document.cookie.includes(OFF);
letters.addEventListener("change", remember);
remember();

function remember() {
  document.documentElement.dataset.letters = letters.checked ? "on" : "off";
  const choice = letters.checked ? "letters=on" : OFF;
  document.cookie = `${choice}; path=/; max-age=31536000; samesite=lax`;
}

/**
 * @param {Record<string, KeyAction>} actions
 * @param {KeyAction} fallback
 */
export function listenToKeys(actions, fallback) {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && submits(event)) {
      return;
    }
    if (event.key === "Escape" && isWriting(event)) {
      /** @type {HTMLElement} */ (event.target).blur();
      return;
    }
    if (isWriting(event) || isCommand(event) || event.altKey) {
      return;
    }
    if (event.defaultPrevented || isDialogOpen()) {
      return;
    }
    if (event.key.length === 1 && !letters.checked) {
      return;
    }
    const act = actions[event.key.toLowerCase()];
    if (event.repeat && (act || event.key.length === 1)) {
      return; // a key that is held down acts once
    }
    if (act ? act(event) !== false : fallback(event)) {
      event.preventDefault();
    }
  });
}

/**
 * Enter from within a text submits with Ctrl, and held down it does nothing. True if it was that.
 * @param {KeyboardEvent} event
 */
function submits(event) {
  if (event.repeat && (isCommand(event) || !origin(event).matches("textarea"))) {
    event.preventDefault(); // nor does it press what has the focus
    return true;
  }
  if (isCommand(event) && !isDialogOpen()) {
    /** @type {HTMLFormElement | null} */
    const form = document.querySelector("form.decide");
    form?.requestSubmit();
  }
  return isCommand(event);
}

/** @param {KeyboardEvent} event */
function isWriting(event) {
  return origin(event).matches("textarea, select, input:not([type=radio])");
}

/** @param {KeyboardEvent} event */
function isCommand(event) {
  return event.ctrlKey || event.metaKey;
}

function isDialogOpen() {
  return document.querySelector("dialog[open]") !== null;
}
