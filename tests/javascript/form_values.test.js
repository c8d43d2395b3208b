// A form is read and put back whole: radios by their choice, and what they bring up after them.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  readValues,
  writeValues,
} from "../../services/review_queue/web/static/review/form_values.js";

class Field extends EventTarget {
  constructor(name, type, value, checked = false) {
    super();
    Object.assign(this, { name, type, value, checked });
  }
}

const form = (...elements) => ({ elements });

test("of a group of radios the chosen one counts, and what has no name does not", () => {
  const values = readValues(
    form(
      new Field("label", "radio", "APPROVED"),
      new Field("label", "radio", "DENIED", true),
      new Field("reasoning", "textarea", "a rule excludes it"),
      new Field("", "search", "filter"),
    ),
  );

  assert.deepEqual(values, { label: "DENIED", reasoning: "a rule excludes it" });
});

test("what a radio brings up is written after it", () => {
  const denied = new Field("label", "radio", "DENIED");
  const reasoning = new Field("reasoning", "textarea", "");
  denied.addEventListener("change", () => (reasoning.value = "suggested"));
  writeValues(form(reasoning, denied), { label: "DENIED", reasoning: "in words of one's own" });

  assert.equal(denied.checked, true);
  assert.equal(reasoning.value, "in words of one's own");
});

test("what is chosen already is not chosen again, and what is not kept stays", () => {
  const denied = new Field("label", "radio", "DENIED", true);
  const amount = new Field("approved_amount", "number", "5");
  let changes = 0;
  denied.addEventListener("change", () => (changes += 1));
  writeValues(form(denied, amount), { label: "DENIED" });

  assert.equal(changes, 0);
  assert.equal(amount.value, "5");
});

test("what is read can be written", () => {
  const values = { label: "PENDING", reasoning: "", approved_amount: "5" };
  const fields = [
    new Field("label", "radio", "DENIED", false),
    new Field("label", "radio", "PENDING", false),
    new Field("reasoning", "textarea", "old"),
    new Field("approved_amount", "number", ""),
  ];
  writeValues(form(...fields), values);

  assert.deepEqual(readValues(form(...fields)), values);
});
