// What the page makes of an answer, or of none.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Problem, call } from "../../services/review_queue/web/static/common/api.js";

let asked;
beforeEach(() => {
  asked = [];
  globalThis.location = { assign: (address) => asked.push(address) };
});

function answering(status, body) {
  globalThis.fetch = async (path, request) => {
    asked.push({ path, method: request.method, body: request.body });
    return new Response(body === undefined ? null : JSON.stringify(body), { status });
  };
}

const problemOf = (promise) => promise.then(() => assert.fail("no problem"), (problem) => problem);

test("a body goes out as JSON, and an answer comes back as what it says", async () => {
  answering(200, { lease_expires_at: "soon" });

  assert.deepEqual(await call("POST", "/v1/x", { token: 1 }), { lease_expires_at: "soon" });
  assert.deepEqual(asked, [{ path: "/v1/x", method: "POST", body: '{"token":1}' }]);
});

test("no content is nothing", async () => {
  answering(204);

  assert.equal(await call("POST", "/v1/assignments"), null);
});

test("a refusal says why and which field, and is neither passing nor gone", async () => {
  answering(422, { detail: "must not be empty", field: "reasoning" });
  const problem = await problemOf(call("POST", "/v1/x", {}));

  assert.ok(problem instanceof Problem);
  assert.deepEqual([problem.message, problem.field], ["must not be empty", "reasoning"]);
  assert.deepEqual([problem.isPassing, problem.isGone], [false, false]);
});

for (const status of [404, 409]) {
  test(`${status}: the case is gone`, async () => {
    answering(status, { detail: "lost" });
    const problem = await problemOf(call("POST", "/v1/x", {}));

    assert.deepEqual([problem.isPassing, problem.isGone], [false, true]);
  });
}

test("an engine that is away passes, also when its answer is no JSON", async () => {
  globalThis.fetch = async () => new Response("<html>", { status: 503 });
  const problem = await problemOf(call("GET", "/v1/x"));

  assert.equal(problem.isPassing, true);
  assert.equal(problem.message, "This did not work");
});

test("a service that cannot be reached passes, too", async () => {
  globalThis.fetch = async () => {
    throw new TypeError("network");
  };
  const problem = await problemOf(call("GET", "/v1/x"));

  assert.deepEqual([problem.status, problem.isPassing], [0, true]);
});

test("an answer that breaks off is none", async () => {
  globalThis.fetch = async () => new Response('{"half": ', { status: 200 });

  assert.equal((await problemOf(call("GET", "/v1/x"))).status, 0);
});

test("whoever is signed out goes to sign in", async () => {
  answering(401, { detail: "sign in" });
  await problemOf(call("GET", "/v1/x"));

  assert.equal(asked.at(-1), "/sign-in");
});
