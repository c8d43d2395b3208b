// Dialogs that ask for a reason or a text: choices by number, words of one's own, or both.

import { byId, find, findAll, nameOf, textControl } from "../common/dom.js";

/** @typedef {import("./assignment.js").Assignment} Assignment */

/**
 * What was written about a case, or null if the reviewer changed their mind. Words that were
 * written stay with the case until they are sent, whatever closes the dialog.
 * @param {string} id
 * @param {Assignment} assignment
 * @returns {Promise<string | null>}
 */
export function ask(id, assignment) {
  const dialog = byId(id, HTMLDialogElement);
  const form = find(dialog, "form", HTMLFormElement);
  const words = wordsOf(form);
  form.reset();
  words.value = assignment.words[id] ?? "";
  form.oninput = (event) => nameOf(event) === "words" && assignment.write(id, words.value);
  find(form, ".problem", HTMLElement).hidden = true;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    const end = () => resolve(dialog.returnValue ? textOf(form) : null);
    dialog.addEventListener("close", end, { once: true });
  });
}

/** @param {HTMLFormElement} form */
function textOf(form) {
  /** @type {HTMLInputElement | null} */
  const choice = form.querySelector("[name=choice]:checked");
  return [choice?.value, wordsOf(form).value.trim()].filter(Boolean).join(": ");
}

/** @param {HTMLFormElement} form */
function wordsOf(form) {
  const words = textControl(form, "words");
  if (!words) {
    throw new TypeError("a dialog that asks has a field for words");
  }
  return words;
}

/** @param {HTMLDialogElement} dialog */
function prepare(dialog) {
  const form = find(dialog, "form", HTMLFormElement);
  const choices = findAll(form, "[name=choice]", HTMLInputElement);
  form.addEventListener("submit", (event) => {
    if (!textOf(form)) {
      event.preventDefault();
      find(form, ".problem", HTMLElement).hidden = false;
      (choices[0] ?? wordsOf(form)).focus();
    }
  });
  find(dialog, "[data-close]", HTMLElement).addEventListener("click", () => dialog.close(""));
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.stopPropagation(); // once it is closed, the key would submit the decision
      form.requestSubmit(find(form, ".primary", HTMLElement));
    }
    const choice = choices[Number(event.key) - 1];
    if (choice && nameOf(event) !== "words") {
      choice.click();
      choice.focus();
      event.preventDefault();
    }
  });
}

findAll(document, "dialog[data-asks]", HTMLDialogElement).forEach(prepare);
