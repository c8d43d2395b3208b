// Reads the values of a form, hidden fields included, and puts them back.

/**
 * @typedef {object} Control
 * @property {string} name
 * @property {string} type
 * @property {string} value
 * @property {boolean} [checked]
 * @property {(event: Event) => boolean} dispatchEvent
 * @typedef {{elements: Iterable<unknown>}} Holder a form
 */

/**
 * @param {Holder} form
 * @returns {Record<string, string>}
 */
export function readValues(form) {
  /** @type {Record<string, string>} */
  const values = {};
  for (const control of controlsOf(form)) {
    if (control.name && (control.type !== "radio" || control.checked)) {
      values[control.name] = control.value;
    }
  }
  return values;
}

/**
 * The radios first, in the order of the form: what they bring up is written after them.
 * @param {Holder} form
 * @param {Record<string, string>} values
 */
export function writeValues(form, values) {
  const controls = controlsOf(form).filter((control) => control.name in values);
  for (const radio of controls.filter((control) => control.type === "radio")) {
    if (radio.value === values[radio.name] && !radio.checked) {
      radio.checked = true;
      radio.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }
  for (const control of controls.filter((each) => each.type !== "radio")) {
    control.value = values[control.name] ?? "";
  }
}

/** @param {Holder} form */
function controlsOf(form) {
  return /** @type {Control[]} */ ([...form.elements]);
}
