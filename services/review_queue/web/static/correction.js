// The form of a correction shows what the chosen label can need; without this, it shows everything.

import { needsOf, pays } from "./needs.js";

const form = document.querySelector("form.correction");
const part = (field) => form.querySelector(`[data-field=${field}]`);

function follow() {
  const label = form.querySelector("[name=label]:checked");
  const needs = needsOf(label, form.elements.approved_amount);
  for (const group of form.querySelectorAll("optgroup")) {
    group.hidden = group.disabled = group.dataset.label !== label?.value;
  }
  const code = form.elements.reason_code;
  if (code.selectedOptions[0]?.parentElement.disabled) {
    code.value = "";
  }
  show(part("amount"), pays(label));
  show(part("clinical_basis"), needs.includes("clinical_basis"));
  show(part("criterion"), needs.includes("criterion"));
  const other = form.querySelector("[name=rule]:checked")?.value === "other";
  show(form.querySelector(".other"), other && needs.includes("criterion"));
}

// What is hidden is not sent.
function show(part, shown) {
  if (part) {
    part.hidden = !shown;
    part.querySelectorAll("input, textarea").forEach((control) => (control.disabled = !shown));
  }
}

form.addEventListener("change", follow);
form.addEventListener("input", follow);
follow();
(form.querySelector("[aria-invalid]") ?? form.querySelector("#problem"))?.focus();
