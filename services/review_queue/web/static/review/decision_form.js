// The decision form of a case: choosing, writing, saying what is missing, reading out the answer.

import { find, findAll, nameOf, origin, textControl } from "../common/dom.js";
import { Criterion } from "./criterion.js";
import { FormActions } from "./form_actions.js";
import { FormProblem } from "./form_problem.js";
import { readValues, writeValues } from "./form_values.js";
import { Picker } from "./picker.js";
import { pays, requirementsOf } from "./requirements.js";
import { Suggestion } from "./suggestion.js";

/**
 * As the API takes it.
 * @typedef {object} Answer
 * @property {string} label
 * @property {string} reasoning
 * @property {string | null} reason_code
 * @property {import("./criterion.js").Quote | null} criterion
 * @property {string | null} clinical_basis
 * @property {string | null} approved_amount
 */

/** @type {import("./criterion.js").Missing} */
const NO_LABEL = ["label", "decision"];

export class DecisionForm {
  /** @param {HTMLElement} node the part of the page that the case has */
  constructor(node) {
    this.node = node;
    this.form = find(node, "form.decide", HTMLFormElement);
    this.actions = new FormActions(this.form);
    this.problem = new FormProblem(this.form);
    this.suggestion = new Suggestion(find(this.form, "[name=reasoning]", HTMLTextAreaElement));
    this.blind = "blind" in this.form.dataset;
    const handlers = {
      onOpen: (/** @type {Picker} */ opened) =>
        this.#pickers.forEach((picker) => picker !== opened && picker.close()),
      onChoose: (/** @type {Picker} */ picker) => this.#follow(picker),
    };
    this.codes = findAll(this.form, "[data-field=reason_code]", HTMLElement).map(
      (root) => new Picker(root, handlers),
    );
    /** @type {HTMLElement | null} */
    const criterion = this.form.querySelector("[data-field=criterion]");
    this.criterion = criterion && new Criterion(criterion, handlers);
    this.#listen();
    this.#showLabel();
  }

  #listen() {
    this.form.addEventListener("input", (event) => {
      if (nameOf(event) === "approved_amount") {
        this.#showRequirements();
      }
      this.#showMissing();
    });
    this.form.addEventListener("change", (event) => nameOf(event) === "label" && this.#showLabel());
    this.node.addEventListener("click", (event) => {
      const field = origin(event).getAttribute("data-go");
      const anchor = origin(event).getAttribute("data-quote");
      if (field) {
        this.go(field);
      } else if (anchor) {
        this.criterion?.quote(anchor);
      }
    });
  }

  /** @returns {HTMLInputElement | null} */
  get label() {
    return this.form.querySelector("[name=label]:checked");
  }

  /**
   * A label as people say it.
   * @param {string} name
   */
  titleOf(name) {
    const option = this.form.querySelector(`[name=label][value="${CSS.escape(name)}"]`);
    return option?.nextElementSibling?.textContent ?? name;
  }

  get values() {
    return readValues(this.form);
  }

  /** @param {Record<string, string>} values */
  restore(values) {
    writeValues(this.form, values);
    this.#showRequirements();
    this.#showMissing();
  }

  // The reviewer has committed to an answer of their own.
  commit() {
    this.blind = false;
    this.actions.offerSubmit();
  }

  /** @returns {import("./criterion.js").Missing[]} */
  get missing() {
    if (!this.label) {
      return [NO_LABEL];
    }
    const missing = this.#requirements.flatMap((field) => this.#missingOf(field));
    return this.#written("reasoning") ? missing : [...missing, ["reasoning", "reason"]];
  }

  /**
   * @param {string} field
   * @returns {import("./criterion.js").Missing[]}
   */
  #missingOf(field) {
    if (field === "criterion") {
      return this.criterion?.missing ?? [];
    }
    const given = field === "reason_code" ? this.#code?.choice : this.#written(field);
    return given ? [] : [[field, field.replace("_", " ")]];
  }

  /**
   * The answer to submit, or null after saying what is wrong.
   * @returns {Answer | null}
   */
  get answer() {
    const { label } = this;
    const [missing] = this.missing;
    if (missing || !label) {
      return this.#complain(...(missing ?? NO_LABEL));
    }
    const amount = this.#part("approved_amount") && this.#amount;
    if (amount && !amount.validity.valid) {
      return this.say(`This must be an amount of at most ${amount.max}, to the cent`, amount.name);
    }
    return {
      label: label.value,
      reasoning: this.#written("reasoning"),
      reason_code: this.#code?.choice?.value ?? null,
      criterion: this.#requires("criterion") ? (this.criterion?.quoted ?? null) : null,
      clinical_basis: this.#requires("clinical_basis") ? this.#written("clinical_basis") : null,
      approved_amount: amount?.value || null,
    };
  }

  /**
   * A key that chooses: a label by its own, in an open list by number. True if there was one.
   * @param {string} key
   */
  press(key) {
    if (/^[1-9]$/.test(key)) {
      return this.#pickers.some((picker) => picker.isOpen && picker.press(Number(key)));
    }
    /** @type {HTMLInputElement | null} */
    const option = this.form.querySelector(`[data-key="${CSS.escape(key)}"]`);
    option?.click();
    option?.focus();
    return Boolean(option);
  }

  // The reason: its code while there is none, then its words.
  goToReason() {
    const code = this.#code;
    if (code && (!code.choice || document.activeElement === textControl(this.form, "reasoning"))) {
      code.ask();
    } else {
      this.go("reasoning");
    }
  }

  /**
   * Bring a field up and go there.
   * @param {string} field
   */
  go(field) {
    const [name = "", inner] = field.split(".");
    const part = this.#part(name);
    const picker = this.#pickers.find((each) => each.root === part);
    if (picker && !inner) {
      picker.ask();
      return;
    }
    const first = "[name=label]:checked, input, textarea";
    /** @type {HTMLElement | null | undefined} */
    const control = part?.querySelector(inner ? `[name="${CSS.escape(inner)}"]` : first);
    control?.focus();
  }

  /**
   * Say what is wrong, beside the field it is about.
   * @param {string} text
   * @param {string | null} field
   */
  say(text, field = null) {
    const part = field ? this.#part(field.replace(/\..*/, "")) : null;
    this.problem.place(text, part);
    if (field && part) {
      this.go(field);
      this.problem.mark(part);
    }
    return null;
  }

  /**
   * @param {string} field
   * @param {string} title
   */
  #complain(field, title) {
    if (field === "label") {
      return this.say("Choose a decision first", field);
    }
    if (field === "reasoning" && this.#code && !this.#code.choice) {
      return this.say("Say why: pick a code, or write it below", "reason_code");
    }
    return this.say(`Still needed: ${title}`, field);
  }

  get #pickers() {
    return this.criterion ? [...this.codes, this.criterion] : this.codes;
  }

  // The list of the chosen label's reason codes.
  get #code() {
    return this.codes.find((picker) => picker.isShown);
  }

  get #amount() {
    return /** @type {HTMLInputElement | null} */ (textControl(this.form, "approved_amount"));
  }

  get #requirements() {
    return requirementsOf(this.label, this.#amount);
  }

  /** @param {string} field */
  #requires(field) {
    return this.#requirements.includes(field);
  }

  /** @param {string} field */
  #part(field) {
    const parts = findAll(this.form, `[data-field="${CSS.escape(field)}"]`, HTMLElement);
    return parts.find((part) => !part.hidden) ?? null;
  }

  /** @param {string} name */
  #written(name) {
    return textControl(this.form, name)?.value.trim() ?? "";
  }

  // What the label asks for is shown, and nothing else.
  #showLabel() {
    const { label } = this;
    this.suggestion.withdraw();
    for (const picker of this.codes) {
      picker.root.hidden = picker.root.dataset.label !== label?.value;
      if (picker.root.hidden) {
        picker.clear();
      }
    }
    this.#show("[data-field=approved_amount]", pays(label));
    this.#showRequirements();
    this.#openNext();
    this.#showMissing();
  }

  #showRequirements() {
    this.#show("[data-field=reason_code] .optional", !this.#requires("reason_code"));
    this.#show("[data-field=criterion], [data-quote]", this.#requires("criterion"));
    this.#show("[data-field=clinical_basis]", this.#requires("clinical_basis"));
  }

  /**
   * @param {string} parts
   * @param {boolean} shown
   */
  #show(parts, shown) {
    findAll(this.node, parts, HTMLElement).forEach((part) => (part.hidden = !shown));
  }

  /** @param {Picker} picker */
  #follow(picker) {
    const text = picker.choice?.dataset.text;
    if (text && picker !== this.criterion) {
      this.suggestion.offer(text);
    }
    if (!picker.isOpen) {
      this.#openNext();
    }
    this.#showMissing();
  }

  #openNext() {
    this.#pickers.find((picker) => picker.isShown && !picker.choice)?.open();
  }

  #showMissing() {
    this.problem.showMissing(this.missing);
  }
}
