// A case that this reviewer holds: its assignment, its part of the page, its lease, its draft.

import { call, fragment, Problem } from "../common/api.js";
import { find, findAll, nameOf } from "../common/dom.js";
import { DecisionForm } from "./decision_form.js";
import { watchPanels } from "./disclosure.js";
import { Draft } from "./draft.js";

/**
 * As the API gives it.
 * @typedef {object} AssignmentView
 * @property {string} assignment_id
 * @property {string} review_id
 * @property {number} token
 * @property {number} lease_seconds
 *
 * One of this reviewer's own.
 * @typedef {object} Decision
 * @property {string} review_id
 * @property {string} state
 * @property {string} label
 * @property {number} leaves_in_seconds
 *
 * What was submitted, and for how long it can be undone. `isEarlier`: it is not what was sent now.
 * @typedef {object} Submitted
 * @property {string} label
 * @property {number} seconds
 * @property {boolean} isEarlier
 */

const RENEW_MS = 30_000;
const RENEW_OPENED_MS = 8_000; // whoever looks at a case learns soon that it is theirs no longer

export class Assignment {
  opened = false; // somebody has looked at it
  id = "";
  token = 0;
  leaseMs = 0;
  renewedAt = 0;
  askedAt = 0;
  /** @type {string | null} why it is theirs no longer */
  lost = null;
  /** @type {Draft | null} */
  #draft = null;

  /**
   * @param {AssignmentView} view
   * @param {HTMLElement} node
   * @param {import("../common/local_drafts.js").Draft | null} saved what the server has of it
   */
  constructor(view, node, saved) {
    this.renew(view);
    this.review = view.review_id;
    this.node = node;
    this.form = new DecisionForm(node);
    this.#draft = new Draft(this, (text) => this.form.actions.showDraftState(text));
    const kept = Draft.newest(saved, this.review);
    /** @type {Record<string, string>} of its dialogs, not sent yet */
    this.words = kept?.words ?? {};
    this.panels = watchPanels(node, kept?.panels ?? [], () => this.draft.change());
    this.form.restore(kept?.fields ?? {});
    this.form.actions.markUnsent(this.words);
    if (kept && kept !== saved) {
      this.draft.change(); // the server has not got it yet
    }
    for (const kind of ["input", "change"]) {
      node.addEventListener(kind, (event) => nameOf(event) && this.draft.change());
    }
  }

  /**
   * The assignments that the service says are this reviewer's.
   * @returns {Promise<AssignmentView[]>}
   */
  static list() {
    return call("GET", "/v1/assignments");
  }

  // The next case of the queue, or null.
  static async lease() {
    const view = await call("POST", "/v1/assignments");
    return view && Assignment.open(view);
  }

  /** @param {AssignmentView} view */
  static async open(view) {
    const id = view.assignment_id;
    const [node, draft] = await Promise.all([
      fragment(`/assignments/${id}`),
      call("GET", `/v1/assignments/${id}/draft`),
    ]);
    return new Assignment(view, node, draft.content);
  }

  /** @param {AssignmentView} view */
  renew(view) {
    this.id = view.assignment_id;
    this.token = view.token;
    this.leaseMs = view.lease_seconds * 1000;
    this.renewedAt = this.askedAt = performance.now();
    this.lost = null;
    this.#draft?.change(); // when it was submitted, the draft was let go
  }

  get draft() {
    return /** @type {Draft} */ (this.#draft);
  }

  get title() {
    return find(this.node, "h1", HTMLElement).textContent ?? "";
  }

  // All that a reviewer did to it so far.
  get content() {
    return { fields: this.form.values, words: this.words, panels: [...this.panels] };
  }

  // Asked for more often than the lease needs, so that a lost one is noticed soon.
  get isDue() {
    const often = this.opened ? RENEW_OPENED_MS : RENEW_MS;
    return performance.now() - this.askedAt > Math.min(this.leaseMs / 3, often);
  }

  // By our own clock, which started before the server's: never too late.
  get isOver() {
    return performance.now() - this.renewedAt > this.leaseMs;
  }

  // Each says whether the case was seen: the one that said it first may have been lost.
  async heartbeat() {
    const at = (this.askedAt = performance.now());
    await this.#act("heartbeat", { opened: this.opened });
    this.renewedAt = at;
  }

  /**
   * The text in a dialog about it, until that is sent.
   * @param {string} dialog
   * @param {string} words
   */
  write(dialog, words) {
    this.words[dialog] = words;
    this.form.actions.markUnsent(this.words);
    this.form.problem.clear();
    this.draft.change();
  }

  // A note that would be lost with the case. True after saying so.
  refuseUnfinished() {
    const isUnfinished = Boolean(this.words.note?.trim());
    if (isUnfinished) {
      this.form.say("Your note is not sent yet: send it, or empty it");
    }
    return isUnfinished;
  }

  /**
   * Refused, it is lost, or was committed by a request whose answer was: the page shows which.
   * @param {string} label
   */
  async commit(label) {
    try {
      await this.#act("commit", { label });
    } catch (problem) {
      if (!(problem instanceof Problem) || problem.status !== 409) {
        throw problem;
      }
    }
    await this.#refresh();
  }

  // Show what the server shows now, leaving the form as it is.
  async #refresh() {
    const fresh = await fragment(`/assignments/${this.id}`);
    for (const part of findAll(this.node, "[data-part]", HTMLElement)) {
      part.replaceWith(find(fresh, `[data-part=${part.dataset.part}]`, HTMLElement));
    }
    if (find(this.node, "[data-draft]", HTMLElement).dataset.draft !== "blind") {
      this.form.commit();
    }
  }

  /**
   * No answer may have been a yes; then the one that counts is the one that was sent first.
   * @param {import("./decision_form.js").Answer} answer
   * @returns {Promise<Submitted>}
   */
  async submit(answer) {
    try {
      const panels = [...this.panels].slice(0, 50);
      const submitted = await this.#act("submit", { ...answer, panels });
      return { label: answer.label, seconds: submitted.undo_seconds, isEarlier: false };
    } catch (problem) {
      const { isPassing, isGone } = /** @type {Problem} */ (problem);
      const decision = isPassing || isGone ? await this.#submitted() : null;
      if (!decision) {
        throw problem;
      }
      return { label: decision.label, seconds: decision.leaves_in_seconds, isEarlier: isGone };
    }
  }

  // This reviewer's decision on it, while it can be undone.
  async #submitted() {
    /** @type {{decisions: Decision[]}} */
    const { decisions } = await call("GET", "/v1/my-work?limit=10");
    const decision = decisions.find((each) => each.review_id === this.review);
    return decision?.state === "submitted" && decision.leaves_in_seconds > 0 ? decision : null;
  }

  /** @param {string} reason */
  release(reason) {
    return this.#act("release", { reason });
  }

  /** @param {string} reason */
  escalate(reason) {
    return this.#act("escalate", { reason });
  }

  /**
   * Kept, it stands on the page, also where the lease is over.
   * @param {string} text
   */
  async addNote(text) {
    await call("POST", `/v1/reviews/${this.review}/notes`, { text });
    const notes = find(this.node, "[data-part=notes]", HTMLElement);
    const entry = document.createElement("li");
    entry.textContent = text;
    find(notes, "ul", HTMLElement).append(entry);
    notes.hidden = false;
  }

  // Hold the case again. No answer may have been a yes: then it is among the assignments.
  async undo() {
    try {
      this.renew(await this.#act("undo", {}));
    } catch (problem) {
      const again = (await Assignment.list()).find((each) => each.assignment_id === this.id);
      if (!again) {
        throw problem;
      }
      this.renew(again);
    }
  }

  /**
   * @param {string} action
   * @param {Record<string, unknown>} body
   */
  #act(action, body) {
    return call("POST", `/v1/assignments/${this.id}/${action}`, { token: this.token, ...body });
  }
}
