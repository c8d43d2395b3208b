// What a label asks for, in whole and in part.

import assert from "node:assert/strict";
import { test } from "node:test";

import { pays, requirementsOf } from "../../services/review_queue/web/static/review/requirements.js";

const APPROVED = { dataset: { needs: "", needsInPart: "reason_code criterion", pays: "" } };
const DENIED = { dataset: { needs: "reason_code criterion clinical_basis" } };
const amount = (value) => ({ value, dataset: { all: "118.00" } });

test("only a label that is paid is asked for an amount", () => {
  assert.equal(pays(APPROVED), true);
  assert.equal(pays(DENIED), false);
  assert.equal(pays(null), false);
});

test("without a label nothing is asked for", () => {
  assert.deepEqual(requirementsOf(null, amount("5")), []);
});

test("a refusal needs its reasons, whatever the amount says", () => {
  const all = ["reason_code", "criterion", "clinical_basis"];
  assert.deepEqual(requirementsOf(DENIED, null), all);
  assert.deepEqual(requirementsOf(DENIED, amount("5")), all);
});

for (const value of ["", "  ", "118", "118.00", " 118.0 "]) {
  test(`an approval of "${value}" is of all`, () => {
    assert.deepEqual(requirementsOf(APPROVED, amount(value)), []);
  });
}

for (const value of ["0", "117.99", "much"]) {
  test(`an approval of "${value}" is in part, and needs what a refusal does`, () => {
    assert.deepEqual(requirementsOf(APPROVED, amount(value)), ["reason_code", "criterion"]);
  });
}

test("a case without an amount is approved in whole", () => {
  assert.deepEqual(requirementsOf(APPROVED, null), []);
});
