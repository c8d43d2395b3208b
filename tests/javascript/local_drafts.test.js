// Drafts are kept by user and review; a browser that keeps nothing loses nothing else.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

globalThis.document = { body: { dataset: { user: "amara" } } };
const { forget, keep, read, reviews } = await import(
  "../../services/review_queue/web/static/common/local_drafts.js"
);

// What browsers have: its entries are its own properties.
class Store {
  getItem(key) {
    return Object.hasOwn(this, key) ? this[key] : null;
  }

  setItem(key, value) {
    this[key] = value;
  }

  removeItem(key) {
    delete this[key];
  }
}

const DRAFT = { at: 5, fields: { label: "DENIED" }, words: {}, panels: ["fees"] };

beforeEach(() => (globalThis.localStorage = new Store()));

test("a draft is read as it was kept, with the assignment it belongs to", () => {
  assert.equal(keep({ review: "r-1", id: "a-1" }, DRAFT), true);

  assert.deepEqual(read("r-1"), { ...DRAFT, assignment: "a-1" });
  assert.equal(read("r-2"), null);
});

test("only this user's drafts are named", () => {
  localStorage.setItem("caseloop.draft.bo/r-9", "{}");
  localStorage.setItem("theme", "dark");
  keep({ review: "r-1", id: "a-1" }, DRAFT);
  keep({ review: "r-2", id: "a-2" }, DRAFT);

  assert.deepEqual(reviews(), ["r-1", "r-2"]);
  forget("r-1");
  assert.deepEqual(reviews(), ["r-2"]);
});

test("what is no draft is none", () => {
  localStorage.setItem("caseloop.draft.amara/r-1", "{broken");

  assert.equal(read("r-1"), null);
});

test("a full browser says that it keeps nothing", () => {
  localStorage.setItem = () => {
    throw new Error("full");
  };

  assert.equal(keep({ review: "r-1", id: "a-1" }, DRAFT), false);
});
