// What a reviewer did to a case so far: saved on the server soon after each change, and in this browser until
// the server has it. So it outlives the tab, the lease and the service.

import { call } from "./api.js";
import * as local from "./local.js";

const SAVE_AFTER_MS = 700;
const RETRY_MS = 4_000;
const latest = new Map(); // of each review: one that was lost and came back has two

export class Draft {
  #held;
  #say;
  #timer = 0;
  #saving = null;
  #content = null; // what the server has not got
  #here = false; // whether this browser has it

  // `say` tells the reviewer how it stands.
  constructor(held, say) {
    this.#held = held;
    this.#say = say;
    latest.set(held.review, this);
  }

  // The newer of what the server and this browser have, or nothing.
  static newest(saved, review) {
    const here = local.read(review);
    return here && here.at > (saved?.at ?? 0) ? here : saved;
  }

  changed() {
    this.#content = { at: Date.now(), ...this.#held.content };
    this.#here = local.keep(this.#held, this.#content);
    this.#later(SAVE_AFTER_MS);
  }

  // Save now. True once the server has everything.
  async flush() {
    clearTimeout(this.#timer);
    while (this.#content || this.#saving) {
      this.#saving ??= this.#save().finally(() => (this.#saving = null));
      if (!(await this.#saving)) {
        return false;
      }
    }
    return true;
  }

  // The page goes: whoever can wait no more sends it and hopes; this browser keeps it anyway.
  leave() {
    if (this.#content) {
      this.#put(this.#content, { keepalive: true }).catch(() => {});
    }
  }

  // It was said, or somebody else has the case: nothing is left to keep.
  forget() {
    clearTimeout(this.#timer);
    this.#content = null;
    local.forget(this.#held.review);
  }

  #later(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.flush(), ms);
  }

  async #save() {
    const content = this.#content;
    if (latest.get(this.#held.review) !== this) {
      this.#content = null; // the newer one took it over
      return true;
    }
    try {
      await this.#put(content);
    } catch (problem) {
      this.#refused(problem);
      return false;
    }
    if (this.#content === content) {
      this.#content = null;
      local.forget(this.#held.review);
    }
    this.#say("Draft saved");
    return true;
  }

  #put(content, options) {
    return call("PUT", `/v1/assignments/${this.#held.id}/draft`, { content }, options);
  }

  #refused(problem) {
    const where = this.#here ? "kept in this browser" : "keep this page open";
    if (problem.passing) {
      this.#say(`Not saved yet: ${where}`);
      this.#later(RETRY_MS);
    } else {
      this.#say(this.#here ? "Kept in this browser only" : `Not saved: ${where}`);
    }
  }
}
