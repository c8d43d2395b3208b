// A case that this reviewer holds: its assignment, its part of the page, its lease, its draft.

import { call, fragment } from "./api.js";
import { Draft } from "./draft.js";
import { Form } from "./form.js";
import { watch } from "./panels.js";

const RENEW_MS = 30_000;
const RENEW_OPENED_MS = 8_000; // whoever looks at a case learns soon that it is not his any more

export class Held {
  opened = false; // somebody has looked at it

  constructor(assignment, node, saved) {
    this.renew(assignment);
    this.review = assignment.review_id;
    this.node = node;
    this.form = new Form(node);
    this.draft = new Draft(this, (text) => this.form.tell(text));
    const kept = Draft.newest(saved, this.review);
    this.words = kept?.words ?? {}; // of its dialogs, not sent yet
    this.panels = watch(node, kept?.panels ?? [], () => this.draft.changed());
    this.form.restore(kept?.fields ?? {});
    this.form.mark(this.words);
    if (kept && kept !== saved) {
      this.draft.changed(); // the server has not got it yet
    }
    for (const kind of ["input", "change"]) {
      node.addEventListener(kind, ({ target }) => target.name && this.draft.changed());
    }
  }

  // The assignments that the service says are his.
  static mine() {
    return call("GET", "/v1/assignments");
  }

  // The next case of the queue, or null.
  static async next() {
    const assignment = await call("POST", "/v1/assignments");
    return assignment && Held.open(assignment);
  }

  static async open(assignment) {
    const id = assignment.assignment_id;
    const [node, draft] = await Promise.all([
      fragment(`/assignments/${id}`),
      call("GET", `/v1/assignments/${id}/draft`),
    ]);
    return new Held(assignment, node, draft.content);
  }

  renew(assignment) {
    this.id = assignment.assignment_id;
    this.token = assignment.token;
    this.leaseMs = assignment.lease_seconds * 1000;
    this.renewedAt = this.askedAt = performance.now();
    this.lost = null; // or why
    this.draft?.changed(); // when it was submitted, the draft was let go
  }

  get title() {
    return this.node.querySelector("h1").textContent;
  }

  // All that a reviewer did to it so far.
  get content() {
    return { fields: this.form.values, words: this.words, panels: [...this.panels] };
  }

  // Asked for more often than the lease needs, so that a lost one is noticed soon.
  get due() {
    const often = this.opened ? RENEW_OPENED_MS : RENEW_MS;
    return performance.now() - this.askedAt > Math.min(this.leaseMs / 3, often);
  }

  // By our own clock, which started before the server's: never too late.
  get over() {
    return performance.now() - this.renewedAt > this.leaseMs;
  }

  // Each says whether the case was seen: the one that said it first may have been lost.
  async heartbeat() {
    const at = (this.askedAt = performance.now());
    await this.#act("heartbeat", { opened: this.opened });
    this.renewedAt = at;
  }

  // What stands in a dialog about it, until that is sent.
  write(dialog, words) {
    this.words[dialog] = words;
    this.form.mark(this.words);
    this.form.say(null);
    this.draft.changed();
  }

  // A note that would be lost with the case. True after saying so.
  get unfinished() {
    const found = Boolean(this.words.note?.trim());
    if (found) {
      this.form.say("Your note is not sent yet: send it, or empty it");
    }
    return found;
  }

  // Refused, it is lost, or was committed by a request whose answer was: the page shows which.
  async commit(label) {
    try {
      await this.#act("commit", { label });
    } catch (problem) {
      if (problem.status !== 409) {
        throw problem;
      }
    }
    await this.#refresh();
  }

  // Show what the server shows now, leaving the form as it is.
  async #refresh() {
    const fresh = await fragment(`/assignments/${this.id}`);
    for (const part of this.node.querySelectorAll("[data-part]")) {
      part.replaceWith(fresh.querySelector(`[data-part=${part.dataset.part}]`));
    }
    if (this.node.querySelector("[data-draft]").dataset.draft !== "blind") {
      this.form.commit();
    }
  }

  // What was submitted, and for how long it can be undone. No answer may have been a yes; then the
  // answer that counts is the `earlier` one.
  async submit(answer) {
    try {
      const panels = [...this.panels].slice(0, 50);
      const done = await this.#act("submit", { ...answer, panels });
      return { label: answer.label, seconds: done.undo_seconds };
    } catch (problem) {
      const done = (problem.passing || problem.gone) && (await this.#submitted());
      if (!done) {
        throw problem;
      }
      return { label: done.label, seconds: done.leaves_in_seconds, earlier: problem.gone };
    }
  }

  async #submitted() {
    const { decisions } = await call("GET", "/v1/my-work?limit=10");
    const done = decisions.find((each) => each.review_id === this.review);
    return done?.state === "submitted" && done.leaves_in_seconds > 0 && done;
  }

  release(reason) {
    return this.#act("release", { reason });
  }

  escalate(reason) {
    return this.#act("escalate", { reason });
  }

  // Kept, it stands on the page, also where the lease is over.
  async note(text) {
    await call("POST", `/v1/reviews/${this.review}/notes`, { text });
    const notes = this.node.querySelector("[data-part=notes]");
    const entry = document.createElement("li");
    entry.textContent = text;
    notes.querySelector("ul").append(entry);
    notes.hidden = false;
  }

  // Hold the case again. No answer may have been a yes: then it is among his assignments.
  async undo() {
    try {
      this.renew(await this.#act("undo", {}));
    } catch (problem) {
      const again = (await Held.mine()).find((each) => each.assignment_id === this.id);
      if (!again) {
        throw problem;
      }
      this.renew(again);
    }
  }

  #act(action, body) {
    return call("POST", `/v1/assignments/${this.id}/${action}`, { token: this.token, ...body });
  }
}
