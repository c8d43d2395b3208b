// What stands in a form, also in what is hidden at present; and putting it back.

export function read(form) {
  const fields = {};
  for (const control of form.elements) {
    if (control.name && (control.type !== "radio" || control.checked)) {
      fields[control.name] = control.value;
    }
  }
  return fields;
}

// The radios first, in the order of the form: what they bring up is written after them.
export function write(form, fields) {
  const controls = [...form.elements].filter((control) => control.name in fields);
  for (const radio of controls.filter((control) => control.type === "radio")) {
    if (radio.value === fields[radio.name] && !radio.checked) {
      radio.checked = true;
      radio.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }
  for (const control of controls.filter((each) => each.type !== "radio")) {
    control.value = fields[control.name];
  }
}
