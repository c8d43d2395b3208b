// What a reviewer has before him: the case on the screen and those that he holds besides. He is
// given cases only while he is there; and none is held that does not come before him: after a
// request without an answer, the desk asks the service what it gave.

import { Held } from "./held.js";
import { present } from "./presence.js";

const DOUBTS = 2; // asked once, the service may be about to give what it was asked for before

export class Desk {
  current = null;
  waiting = []; // next one first
  #doubts = DOUBTS; // so often, what he holds is asked for before there is more of it
  #filling = null;
  #undone = new Map(); // by assignment: whether it is held again is not known

  get all() {
    return [this.current, ...this.waiting].filter(Boolean);
  }

  get held() {
    return this.all.filter((held) => !held.lost);
  }

  // Put the next case on the desk, if there is one.
  async advance() {
    this.current = null;
    await this.fill();
    this.current ??= this.waiting.shift() ?? null; // an undone one may have come back meanwhile
  }

  // See that one more is at hand, while somebody is there to take it.
  fill() {
    this.#filling ??= this.#fill().finally(() => (this.#filling = null));
    return this.#filling;
  }

  async #fill() {
    if (this.waiting.length === 0 && present()) {
      await this.#adopt();
    }
    if (this.waiting.length === 0 && present()) {
      await this.#lease();
    }
  }

  async #lease() {
    const held = await Held.next().catch((problem) => this.#doubt(problem));
    if (held) {
      this.waiting.push(held);
    }
  }

  // Take over what the service says is held, and is not here.
  async #adopt() {
    if (this.#doubts === 0) {
      return;
    }
    const before = this.held; // what is submitted meanwhile is not held any more
    const mine = await Held.mine();
    const known = [...before, ...this.held].map((held) => held.id);
    const found = mine.filter((assignment) => !known.includes(assignment.assignment_id));
    this.waiting.push(...(await Promise.all(found.map((assignment) => this.#open(assignment)))));
    this.#doubts -= 1;
  }

  #open(assignment) {
    const held = this.#undone.get(assignment.assignment_id);
    held?.renew(assignment);
    return held ?? Held.open(assignment);
  }

  // Take back what was submitted: its case comes before the reviewer, the one that is there waits.
  async undo(held) {
    try {
      await held.undo();
    } catch (problem) {
      this.#undone.set(held.id, held);
      this.#doubt(problem);
    }
    this.waiting = this.held.filter((each) => each.id !== held.id);
    this.current = held;
  }

  // Whatever was asked for may have been given.
  #doubt(problem) {
    this.#doubts = DOUBTS;
    throw problem;
  }

  // No case of his any more.
  drop(held) {
    this.waiting = this.waiting.filter((each) => each !== held);
  }
}
