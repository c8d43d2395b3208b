// What is wrong with a decision stands beside the field it is about, else above the buttons; what
// is missing stands there always, each part with the way to it.

import { find } from "../common/dom.js";

export class FormProblem {
  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.form = form;
    this.message = find(form, ".problem", HTMLElement);
    this.finish = find(form, ".finish", HTMLElement);
  }

  /**
   * @param {string} text
   * @param {HTMLElement | null} part the field that it is about
   */
  place(text, part) {
    this.clear();
    this.message.hidden = false;
    this.message.textContent = `${text}.`;
    part?.append(this.message);
  }

  /**
   * Marks the field, so that screen readers announce the problem there, too.
   * @param {HTMLElement} part
   */
  mark(part) {
    const focused = document.activeElement;
    const marked = focused?.closest("[data-field]") === part ? focused : part;
    marked.setAttribute("aria-invalid", "true");
    marked.setAttribute("aria-describedby", this.message.id);
  }

  clear() {
    for (const marked of this.form.querySelectorAll("[aria-invalid]")) {
      marked.removeAttribute("aria-invalid");
      marked.removeAttribute("aria-describedby");
    }
    this.message.hidden = true;
    this.message.textContent = "";
    this.finish.before(this.message);
  }

  /** @param {import("./criterion.js").Missing[]} missing */
  showMissing(missing) {
    const line = find(this.form, ".missing", HTMLElement);
    line.replaceChildren(missing.length ? "Still needed: " : "Nothing is missing.");
    for (const [index, [field, title]] of missing.entries()) {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "link", textContent: title });
      button.dataset.go = field;
      line.append(index ? ", " : "", button);
    }
    if (!this.message.hidden) {
      this.clear();
    }
  }
}
