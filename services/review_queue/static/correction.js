// The form of a correction shows what the chosen label can need; without this, it shows everything.

const form = document.querySelector("form.correction");

function follow() {
  const label = form.querySelector("[name=label]:checked");
  const amount = form.querySelector("[data-field=amount]");
  if (amount) {
    amount.hidden = !label || !("pays" in label.dataset);
    amount.querySelector("input").disabled = amount.hidden;
  }
  // A part approved is a part refused.
  const inPart = amount && !amount.hidden && amount.querySelector("input").value.trim();
  const needs = label ? label.dataset[inPart ? "needsInPart" : "needs"].split(" ") : [];
  for (const group of form.querySelectorAll("optgroup")) {
    group.hidden = group.disabled = group.dataset.label !== label?.value;
  }
  const code = form.elements.reason_code;
  if (code.selectedOptions[0]?.parentElement.disabled) {
    code.value = "";
  }
  for (const name of ["criterion", "clinical_basis"]) {
    form.querySelector(`[data-field=${name}]`).hidden = !needs.includes(name);
  }
  const other = form.querySelector("[name=rule]:checked")?.value === "other";
  form.querySelector(".other").hidden = !other;
}

form.addEventListener("change", follow);
form.addEventListener("input", follow);
follow();
(form.querySelector("[aria-invalid]") ?? form.querySelector("#problem"))?.focus();
