// The form of a correction shows what the chosen label can need; without this, it shows everything.

import { find, findAll, textControl } from "../common/dom.js";
import { pays, requirementsOf } from "./requirements.js";

const form = find(document, "form.correction", HTMLFormElement);
const code = find(form, "[name=reason_code]", HTMLSelectElement);
const other = find(form, ".other", HTMLElement);

function showRequirements() {
  /** @type {HTMLInputElement | null} */
  const label = form.querySelector("[name=label]:checked");
  const requirements = requirementsOf(label, textControl(form, "approved_amount"));
  for (const group of findAll(form, "optgroup", HTMLOptGroupElement)) {
    group.hidden = group.disabled = group.dataset.label !== label?.value;
  }
  if (code.selectedOptions[0]?.closest("optgroup")?.disabled) {
    code.value = "";
  }
  const quotes = requirements.includes("criterion");
  show(fieldset("amount"), pays(label));
  show(fieldset("clinical_basis"), requirements.includes("clinical_basis"));
  show(fieldset("criterion"), quotes);
  show(other, quotes && form.querySelector("[name=rule][value=other]:checked") !== null);
}

/**
 * @param {string} field
 * @returns {HTMLElement | null}
 */
function fieldset(field) {
  return form.querySelector(`[data-field=${field}]`);
}

/**
 * What is hidden is not sent.
 * @param {HTMLElement | null} part
 * @param {boolean} shown
 */
function show(part, shown) {
  if (part) {
    part.hidden = !shown;
    /** @type {NodeListOf<HTMLInputElement | HTMLTextAreaElement>} */
    const controls = part.querySelectorAll("input, textarea");
    controls.forEach((control) => (control.disabled = !shown));
  }
}

form.addEventListener("change", showRequirements);
form.addEventListener("input", showRequirements);
showRequirements();
/** @type {HTMLElement | null} */
const wrong = form.querySelector("[aria-invalid]") ?? form.querySelector("#problem");
wrong?.focus();
