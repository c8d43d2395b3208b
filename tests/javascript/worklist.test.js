// No case is held that does not come before its reviewer, and none is taken while nobody is there.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Worklist } from "../../services/review_queue/web/static/review/worklist.js";

class Item {
  lost = null;

  constructor(service, view) {
    this.service = service;
    this.renew(view);
  }

  renew(view) {
    this.id = view.assignment_id;
    this.token = view.token;
  }

  async undo() {
    this.renew(await this.service.give(this.id, this.token + 1));
  }
}

// The queue as the service keeps it. An answer can be lost though what was asked for is done.
class Service {
  held = new Map();
  losesAnswers = false;
  isThere = true;
  lists = 0;

  constructor(...queue) {
    this.queue = queue;
  }

  async give(id, token = 1) {
    const view = { assignment_id: id, token };
    this.held.set(id, view);
    if (this.losesAnswers) {
      throw new Error("no answer");
    }
    return view;
  }

  source() {
    return {
      lease: async () => {
        const id = this.queue.shift();
        return id ? new Item(this, await this.give(id)) : null;
      },
      list: async () => {
        this.lists += 1;
        return [...this.held.values()];
      },
      open: async (view) => new Item(this, view),
      isPresent: () => this.isThere,
    };
  }
}

let service, worklist;
beforeEach(() => {
  service = new Service("a", "b", "c");
  worklist = new Worklist(service.source());
});

const ids = () => worklist.all.map((item) => item.id);

test("one case is current and one waits, so that the next is there at once", async () => {
  await worklist.advance();
  await worklist.fill();

  assert.deepEqual(ids(), ["a", "b"]);
  await worklist.fill();
  assert.deepEqual(ids(), ["a", "b"]);
});

test("what is asked for at the same time is asked for once", async () => {
  await Promise.all([worklist.fill(), worklist.fill(), worklist.fill()]);

  assert.deepEqual(ids(), ["a"]);
});

test("while nobody is there, nothing is taken", async () => {
  service.isThere = false;
  await worklist.advance();

  assert.equal(worklist.current, null);
  assert.equal(service.held.size, 0);
});

test("an empty queue leaves nothing current", async () => {
  worklist = new Worklist(new Service().source());
  await worklist.advance();

  assert.equal(worklist.current, null);
});

test("a case whose answer was lost comes before its reviewer", async () => {
  await worklist.advance();
  service.losesAnswers = true;
  await assert.rejects(worklist.fill());
  service.losesAnswers = false;
  await worklist.fill();

  assert.deepEqual(ids(), ["a", "b"]);
  assert.deepEqual([...service.held.keys()], ["a", "b"]);
});

test("what was held before the page was opened is taken up first", async () => {
  await service.give("left");
  await worklist.advance();

  assert.equal(worklist.current.id, "left");
  assert.deepEqual(service.queue, ["a", "b", "c"]);
});

test("once there is no doubt, the service is not asked any more what is held", async () => {
  for (let round = 0; round < 3; round += 1) {
    await worklist.advance();
  }
  assert.equal(service.lists, 2);
});

test("an undone case is current again, and what was current waits", async () => {
  await worklist.advance();
  const first = worklist.current;
  service.held.delete("a");
  await worklist.advance();
  await worklist.undo(first);

  assert.deepEqual(ids(), ["a", "b"]);
  assert.equal(first.token, 2);
});

test("an undoing without an answer is found out, and the case is the same one", async () => {
  await worklist.advance();
  const first = worklist.current;
  service.held.delete("a");
  await worklist.advance();
  service.losesAnswers = true;
  await assert.rejects(worklist.undo(first));
  service.losesAnswers = false;
  await worklist.fill();

  assert.equal(worklist.current.id, "b");
  assert.equal(worklist.waiting[0], first);
  assert.equal(first.token, 2);
});

test("a lost case stays before its reviewer and is held no more", async () => {
  await worklist.advance();
  await worklist.fill();
  const [first, second] = worklist.all;
  first.lost = second.lost = "the lease has expired";
  worklist.drop(second);

  assert.deepEqual(ids(), ["a"]);
  assert.deepEqual(worklist.held, []);
});
