// The criterion of a decision: one of the case's rules, or another source in its own words.

import { find } from "../common/dom.js";
import { Picker } from "./picker.js";

/**
 * A field's name for the API, and how people call it.
 * @typedef {[field: string, title: string]} Missing
 * @typedef {Record<string, string | undefined>} Quote
 */

/** @type {Record<string, string>} */
const OWN = { source: "source", version: "version", effective_date: "date", text: "words" };

export class Criterion extends Picker {
  /**
   * @param {HTMLElement} root
   * @param {import("./picker.js").Handlers} handlers
   */
  constructor(root, handlers) {
    super(root, handlers);
    this.own = find(root, ".own", HTMLElement);
    root.addEventListener("change", () => this.#showOwn());
  }

  get #isOwn() {
    return this.choice?.value === "own";
  }

  /** @returns {Missing[]} */
  get missing() {
    if (!this.choice) {
      return [["criterion", "criterion"]];
    }
    const empty = Object.entries(OWN).find(([name]) => this.#isOwn && !this.#written(name));
    return empty ? [[`criterion.${empty[0]}`, `the criterion’s ${empty[1]}`]] : [];
  }

  /** @returns {Quote} */
  get quoted() {
    if (this.#isOwn) {
      return Object.fromEntries(Object.keys(OWN).map((name) => [name, this.#written(name)]));
    }
    const { source, version, effectiveDate, text } = this.choice?.dataset ?? {};
    return { source, version, effective_date: effectiveDate, text };
  }

  /** @param {string} anchor */
  quote(anchor) {
    this.choose(find(this.root, `input[value="${CSS.escape(anchor)}"]`, HTMLInputElement));
  }

  /** @param {string} name */
  #written(name) {
    /** @type {import("../common/dom.js").TextControl | null} */
    const control = this.own.querySelector(`[name=${name}]`);
    return control?.value.trim() ?? "";
  }

  #showOwn() {
    this.own.hidden = !this.#isOwn;
  }
}
