// The decision form of a case: choosing, writing, saying what is missing, reading out the answer.

import { Criterion } from "./criterion.js";
import { needsOf, pays } from "./needs.js";
import { Picker } from "./picker.js";
import { read, write } from "./values.js";

export class Form {
  constructor(node) {
    this.node = node;
    this.form = node.querySelector("form.decide");
    this.problem = this.form.querySelector(".problem");
    this.blind = "blind" in this.form.dataset;
    const handlers = {
      onOpen: (opened) => this.#pickers.forEach((picker) => picker !== opened && picker.close()),
      onChoose: (picker) => this.#picked(picker),
    };
    this.codes = [...this.form.querySelectorAll("[data-field=reason_code]")].map(
      (root) => new Picker(root, handlers),
    );
    const criterion = this.form.querySelector("[data-field=criterion]");
    this.criterion = criterion && new Criterion(criterion, handlers);
    this.#listen();
    this.#follow();
  }

  #listen() {
    this.form.addEventListener("input", ({ target }) => {
      if (target.name === "approved_amount") {
        this.#showNeeds();
      }
      this.#review();
    });
    this.form.addEventListener("change", ({ target }) => target.name === "label" && this.#follow());
    this.node.addEventListener("click", ({ target }) => {
      if (target.dataset.go) {
        this.go(target.dataset.go);
      } else if (target.dataset.quote) {
        this.criterion.quote(target.dataset.quote);
      }
    });
  }

  get label() {
    return this.form.querySelector("[name=label]:checked");
  }

  // A label as people say it.
  called(name) {
    const option = this.form.querySelector(`[name=label][value="${CSS.escape(name)}"]`);
    return option.nextElementSibling.textContent;
  }

  get values() {
    return read(this.form);
  }

  restore(fields) {
    write(this.form, fields);
    this.#showNeeds();
    this.#review();
  }

  // The reviewer has committed to an answer of his own.
  commit() {
    this.blind = false;
    this.form.querySelector(".do").textContent = "Submit";
  }

  // What is missing: fields by the names of the API, and how people call them.
  get missing() {
    if (!this.label) {
      return [["label", "decision"]];
    }
    const found = this.#needs.flatMap((need) => {
      if (need === "criterion") {
        return this.criterion.missing;
      }
      const given = need === "reason_code" ? this.#code?.choice : this.#written(need);
      return given ? [] : [[need, need.replace("_", " ")]];
    });
    return this.#written("reasoning") ? found : [...found, ["reasoning", "reason"]];
  }

  // The answer to submit, or null after saying what is wrong.
  get answer() {
    const [missing] = this.missing;
    if (missing) {
      return this.#ask(...missing);
    }
    const amount = this.#part("approved_amount") && this.form.elements.approved_amount;
    if (amount && !amount.validity.valid) {
      return this.say(`This must be an amount of at most ${amount.max}, to the cent`, amount.name);
    }
    const needs = this.#needs;
    return {
      label: this.label.value,
      reasoning: this.#written("reasoning"),
      reason_code: this.#code?.choice?.value ?? null,
      criterion: needs.includes("criterion") ? this.criterion.quoted : null,
      clinical_basis: needs.includes("clinical_basis") ? this.#written("clinical_basis") : null,
      approved_amount: amount?.value || null,
    };
  }

  // A key that chooses: a label by its own, in an open list by number. True if there was one.
  press(key) {
    if (/^[1-9]$/.test(key)) {
      return this.#pickers.some((picker) => picker.isOpen && picker.press(Number(key)));
    }
    const option = this.form.querySelector(`[data-key="${CSS.escape(key)}"]`);
    option?.click();
    option?.focus();
    return Boolean(option);
  }

  // The reason: its code while there is none, then its words.
  reason() {
    const code = this.#code;
    if (code && (!code.choice || document.activeElement.name === "reasoning")) {
      code.ask();
    } else {
      this.go("reasoning");
    }
  }

  // Bring a field up and go there. Without the field: to the form.
  go(field) {
    const [name, inner] = (field ?? "").split(".");
    const part = this.#part(name);
    const picker = this.#pickers.find((each) => each.root === part);
    if (picker && !inner) {
      picker.ask();
      return;
    }
    const control = inner ? `[name="${CSS.escape(inner)}"]` : "[name=label]:checked, input, textarea";
    part?.querySelector(control)?.focus();
  }

  // Say what is wrong, beside the field it is about.
  say(text, field = null) {
    for (const marked of this.form.querySelectorAll("[aria-invalid]")) {
      marked.removeAttribute("aria-invalid");
      marked.removeAttribute("aria-describedby");
    }
    this.problem.hidden = !text;
    this.problem.textContent = text ? `${text}.` : "";
    const part = text && field && this.#part(field.split(".")[0]);
    if (part) {
      part.append(this.problem);
      this.go(field);
      const at = document.activeElement.closest("[data-field]") === part && document.activeElement;
      (at || part).setAttribute("aria-invalid", "true");
      (at || part).setAttribute("aria-describedby", "problem");
    } else {
      this.form.querySelector(".finish").before(this.problem);
    }
    return null;
  }

  #ask(field, title) {
    if (field === "label") {
      return this.say("Choose a decision first", field);
    }
    if (field === "reasoning" && this.#code && !this.#code.choice) {
      return this.say("Say why: pick a code, or write it below", "reason_code");
    }
    return this.say(`Still needed: ${title}`, field);
  }

  // How the draft stands.
  tell(text) {
    const saved = this.form.querySelector(".saved");
    saved.textContent = text;
  }

  freeze(frozen) {
    for (const button of this.form.querySelectorAll(".actions button")) {
      button.disabled = frozen && button.dataset.action !== "note"; // needs no lease
    }
  }

  // Which actions have words that are not sent yet.
  mark(words) {
    for (const button of this.form.querySelectorAll("[data-action]")) {
      button.querySelector(".unsent").hidden = !words[button.dataset.action];
    }
  }

  get #pickers() {
    return this.criterion ? [...this.codes, this.criterion] : this.codes;
  }

  // The list of the chosen label's reason codes.
  get #code() {
    return this.codes.find((picker) => picker.shown);
  }

  get #needs() {
    return needsOf(this.label, this.form.elements.approved_amount);
  }

  #part(field) {
    const parts = [...this.form.querySelectorAll(`[data-field="${CSS.escape(field)}"]`)];
    return parts.find((part) => !part.hidden) ?? null;
  }

  #written(name) {
    return this.form.elements[name]?.value.trim() ?? "";
  }

  // What the label asks for is shown, and nothing else.
  #follow() {
    const { label } = this;
    this.#unsuggest();
    for (const picker of this.codes) {
      picker.root.hidden = picker.root.dataset.label !== label?.value;
      if (picker.root.hidden) {
        picker.clear();
      }
    }
    this.#show("[data-field=approved_amount]", pays(label));
    this.#showNeeds();
    this.#openNext();
    this.#review();
  }

  #showNeeds() {
    this.#show("[data-field=reason_code] .optional", !this.#needs.includes("reason_code"));
    this.#show("[data-field=criterion], [data-quote]", this.#needs.includes("criterion"));
    this.#show("[data-field=clinical_basis]", this.#needs.includes("clinical_basis"));
  }

  #show(parts, shown) {
    for (const part of this.node.querySelectorAll(parts)) {
      part.hidden = !shown;
    }
  }

  #picked(picker) {
    if (picker.choice.dataset.text && picker !== this.criterion) {
      this.#suggest(picker.choice.dataset.text);
    }
    if (!picker.isOpen) {
      this.#openNext();
    }
    this.#review();
  }

  #openNext() {
    this.#pickers.find((picker) => picker.shown && !picker.choice)?.open();
  }

  // The reason that a code suggested goes with it.
  #unsuggest() {
    const { reasoning } = this.form.elements;
    if (reasoning.dataset.suggested && reasoning.value === reasoning.dataset.suggested) {
      reasoning.value = "";
    }
    delete reasoning.dataset.suggested;
  }

  // A reason code's text is where the reason starts, unless the reviewer has written something.
  #suggest(text) {
    const { reasoning } = this.form.elements;
    if (reasoning.value.trim() === "" || reasoning.value === reasoning.dataset.suggested) {
      reasoning.value = reasoning.dataset.suggested = text;
    }
  }

  #review() {
    const line = this.form.querySelector(".missing");
    const { missing } = this;
    line.replaceChildren(missing.length ? "Still needed: " : "Nothing is missing.");
    for (const [place, [field, title]] of missing.entries()) {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "link", textContent: title });
      button.dataset.go = field;
      line.append(place ? ", " : "", button);
    }
    if (!this.problem.hidden) {
      this.say(null);
    }
  }
}
