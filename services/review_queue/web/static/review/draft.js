// What a reviewer did to a case so far: saved on the server soon after each change, and in this
// browser until the server has it. So it outlives the tab, the lease and the service.

import { call, Problem } from "../common/api.js";
import { forget, keep, read } from "../common/local_drafts.js";

/**
 * @typedef {import("../common/local_drafts.js").Draft} Content
 * @typedef {object} Subject the assignment whose draft it is
 * @property {string} id
 * @property {string} review
 * @property {Omit<Content, "at">} content
 */

const SAVE_AFTER_MS = 700;
const RETRY_MS = 4_000;

/**
 * Of each review: one that was lost and came back has two.
 * @type {Map<string, Draft>}
 */
const latest = new Map();

export class Draft {
  #assignment;
  #tell;
  #timer = 0;
  /** @type {Promise<boolean> | null} */
  #saving = null;
  /** @type {Content | null} what the server has not got */
  #content = null;
  #isHere = false; // whether this browser has it

  /**
   * @param {Subject} assignment
   * @param {(text: string) => void} tell says to the reviewer how the draft stands
   */
  constructor(assignment, tell) {
    this.#assignment = assignment;
    this.#tell = tell;
    latest.set(assignment.review, this);
  }

  /**
   * The newer of what the server and this browser have, or nothing.
   * @param {Content | null} saved
   * @param {string} review
   */
  static newest(saved, review) {
    const here = read(review);
    return here && here.at > (saved?.at ?? 0) ? here : saved;
  }

  change() {
    this.#content = { at: Date.now(), ...this.#assignment.content };
    this.#isHere = keep(this.#assignment, this.#content);
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

  // It was sent, or somebody else has the case: nothing is left to keep.
  forget() {
    clearTimeout(this.#timer);
    this.#content = null;
    forget(this.#assignment.review);
  }

  /** @param {number} ms */
  #later(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.flush(), ms);
  }

  async #save() {
    const content = this.#content;
    if (latest.get(this.#assignment.review) !== this) {
      this.#content = null; // the newer one took it over
      return true;
    }
    try {
      await this.#put(content);
    } catch (problem) {
      this.#refuse(/** @type {Problem} */ (problem));
      return false;
    }
    if (this.#content === content) {
      this.#content = null;
      forget(this.#assignment.review);
    }
    this.#tell("Draft saved");
    return true;
  }

  /**
   * @param {Content | null} content
   * @param {RequestInit} [options]
   */
  #put(content, options) {
    return call("PUT", `/v1/assignments/${this.#assignment.id}/draft`, { content }, options);
  }

  /** @param {Problem} problem */
  #refuse(problem) {
    const where = this.#isHere ? "kept in this browser" : "keep this page open";
    if (problem.isPassing) {
      this.#tell(`Not saved yet: ${where}`);
      this.#later(RETRY_MS);
    } else {
      this.#tell(this.#isHere ? "Kept in this browser only" : `Not saved: ${where}`);
    }
  }
}
