// The criterion of a decision: one of the case's rules, or another source in its own words.

import { Picker } from "./picker.js";

const OWN = { source: "source", version: "version", effective_date: "date", text: "words" };

export class Criterion extends Picker {
  constructor(root, handlers) {
    super(root, handlers);
    this.own = root.querySelector(".own");
    root.addEventListener("change", () => this.#follow());
  }

  get #isOwn() {
    return this.choice?.value === "own";
  }

  // What is missing of it: the field's name for the API, and how people call it.
  get missing() {
    if (!this.choice) {
      return [["criterion", "criterion"]];
    }
    const empty = Object.entries(OWN).find(([name]) => this.#isOwn && !this.#written(name));
    return empty ? [[`criterion.${empty[0]}`, `the criterion’s ${empty[1]}`]] : [];
  }

  get quoted() {
    if (this.#isOwn) {
      return Object.fromEntries(Object.keys(OWN).map((name) => [name, this.#written(name)]));
    }
    const { source, version, effectiveDate, text } = this.choice.dataset;
    return { source, version, effective_date: effectiveDate, text };
  }

  quote(anchor) {
    this.choose(this.rows.map((row) => row.querySelector("input")).find((at) => at.value === anchor));
  }

  #written(name) {
    return this.own.querySelector(`[name=${name}]`).value.trim();
  }

  #follow() {
    this.own.hidden = !this.#isOwn;
  }
}
