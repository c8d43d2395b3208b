// The buttons under a decision, and beside its title how the draft stands.

import { find, findAll } from "../common/dom.js";

export class FormActions {
  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.form = form;
  }

  /** @param {boolean} frozen */
  freeze(frozen) {
    for (const button of findAll(this.form, ".actions button", HTMLButtonElement)) {
      button.disabled = frozen && button.dataset.action !== "note"; // needs no lease
    }
  }

  /**
   * Mark the actions whose words are not sent yet.
   * @param {Record<string, string>} words
   */
  markUnsent(words) {
    for (const button of findAll(this.form, "[data-action]", HTMLElement)) {
      find(button, ".unsent", HTMLElement).hidden = !words[button.dataset.action ?? ""];
    }
  }

  /** @param {string} text */
  showDraftState(text) {
    find(this.form, ".saved", HTMLElement).textContent = text;
  }

  // An answer is committed: what is left to do is to submit it.
  offerSubmit() {
    const words = find(this.form, ".do", HTMLElement);
    words.textContent = words.dataset.committed ?? words.textContent;
  }
}
