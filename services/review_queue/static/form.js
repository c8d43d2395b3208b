// The decision form of a case: choosing, writing, reading out what was said.

export function prepare(node, { onSubmit, onSkip }) {
  const form = node.querySelector("form");
  form.addEventListener("change", (event) => changed(form, event.target));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    onSubmit();
  });
  form.querySelector("[data-action=skip]").addEventListener("click", onSkip);
}

function changed(form, input) {
  if (input.name === "label") {
    choose(form, input);
  } else if (input.name === "reason_code") {
    suggest(form, input);
  }
}

// Show the reason codes of the chosen label, and the amount if the label pays.
function choose(form, input) {
  for (const codes of form.querySelectorAll(".codes")) {
    const fits = codes.dataset.label === input.value;
    codes.hidden = codes.disabled = !fits;
    if (!fits) {
      codes.querySelectorAll("input").forEach((code) => (code.checked = false));
    }
  }
  const amount = form.querySelector(".amount");
  if (amount) {
    amount.hidden = !("pays" in input.dataset);
  }
  say(form, null);
}

// A reason code's text is where the reason starts, unless the reviewer has written something.
function suggest(form, input) {
  const reasoning = form.elements.reasoning;
  if (reasoning.value.trim() === "" || reasoning.value === reasoning.dataset.suggested) {
    reasoning.value = reasoning.dataset.suggested = input.dataset.text;
  }
  say(form, null);
}

// The answer to submit, or null after saying what is missing.
export function answer(node) {
  const form = node.querySelector("form");
  const label = form.querySelector("[name=label]:checked");
  const reasoning = form.elements.reasoning.value.trim();
  if (!label) {
    return say(form, "Choose a decision first", "label");
  }
  if (!reasoning) {
    return say(form, "A decision needs its reason: pick a code or write it", "reasoning");
  }
  const amount = form.querySelector(".amount:not([hidden]) input");
  if (amount && !amount.validity.valid) {
    return say(form, `The amount must be a number of at most ${amount.max}`, amount.name);
  }
  return {
    label: label.value,
    reasoning,
    reason_code: form.querySelector("[name=reason_code]:checked")?.value ?? null,
    approved_amount: amount?.value || null,
  };
}

export function say(form, text, field = null) {
  const problem = form.querySelector(".problem");
  problem.hidden = !text;
  problem.textContent = text ? `${text}.` : "";
  const at = field && form.querySelector(`[name=${CSS.escape(field)}]`);
  for (const input of form.querySelectorAll("[aria-invalid]")) {
    input.removeAttribute("aria-invalid");
  }
  at?.setAttribute("aria-invalid", "true");
  at?.focus();
  return null;
}

export function freeze(node, frozen) {
  for (const button of node.querySelectorAll("form button")) {
    button.disabled = frozen;
  }
}

// Choose by key: a label by its own, a reason code by its number. True if there was one.
export function press(node, key) {
  const form = node.querySelector("form");
  const codes = form.querySelectorAll(".codes:not([hidden]) input");
  const option =
    form.querySelector(`[data-key="${CSS.escape(key)}"]`) ??
    (/^[1-9]$/.test(key) ? codes[Number(key) - 1] : null);
  if (!option) {
    return false;
  }
  option.click();
  option.focus();
  return true;
}
