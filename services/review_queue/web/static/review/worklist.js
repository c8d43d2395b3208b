// What a reviewer has to do: the case on the screen and those that they hold besides. Cases are
// given to people only while they are there; and none is held that does not come before its
// reviewer: after a request without an answer, the worklist asks the service what it gave.

/** @typedef {import("./assignment.js").AssignmentView} AssignmentView */

/**
 * What the worklist needs of an assignment.
 * @typedef {object} Item
 * @property {string} id
 * @property {string | null} lost
 * @property {(view: AssignmentView) => void} renew
 * @property {() => Promise<void>} undo
 */

/**
 * Where cases come from, and whether somebody is there to take them.
 * @template {Item} T
 * @typedef {object} Source
 * @property {() => Promise<T | null>} lease the next one of the queue
 * @property {() => Promise<AssignmentView[]>} list all that the service says are held
 * @property {(view: AssignmentView) => Promise<T>} open
 * @property {() => boolean} isPresent
 */

const DOUBTS = 2; // asked once, the service may be about to give what it was asked for before

/** @template {Item} T */
export class Worklist {
  /** @type {T | null} */
  current = null;
  /** @type {T[]} next one first */
  waiting = [];
  #source;
  #doubts = DOUBTS; // so often, what is held is asked for before there is more of it
  /** @type {Promise<void> | null} */
  #filling = null;
  /** @type {Map<string, T>} by id: whether it is held again is not known */
  #undone = new Map();

  /** @param {Source<T>} source */
  constructor(source) {
    this.#source = source;
  }

  get all() {
    return this.current ? [this.current, ...this.waiting] : this.waiting;
  }

  get held() {
    return this.all.filter((assignment) => !assignment.lost);
  }

  // Make the next case the current one, if there is one.
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
    if (this.waiting.length === 0 && this.#source.isPresent()) {
      await this.#adopt();
    }
    if (this.waiting.length === 0 && this.#source.isPresent()) {
      await this.#lease();
    }
  }

  async #lease() {
    const assignment = await this.#source.lease().catch((problem) => this.#doubt(problem));
    if (assignment) {
      this.waiting.push(assignment);
    }
  }

  // Take over what the service says is held, and is not here.
  async #adopt() {
    if (this.#doubts === 0) {
      return;
    }
    const before = this.held; // what is submitted meanwhile is not held any more
    const views = await this.#source.list();
    const known = [...before, ...this.held].map((assignment) => assignment.id);
    const unknown = views.filter((view) => !known.includes(view.assignment_id));
    this.waiting.push(...(await Promise.all(unknown.map((view) => this.#open(view)))));
    this.#doubts -= 1;
  }

  /** @param {AssignmentView} view */
  async #open(view) {
    const assignment = this.#undone.get(view.assignment_id);
    assignment?.renew(view);
    return assignment ?? this.#source.open(view);
  }

  /**
   * Take back what was submitted: its case comes before the reviewer, the one that is there waits.
   * @param {T} assignment
   */
  async undo(assignment) {
    try {
      await assignment.undo();
    } catch (problem) {
      this.#undone.set(assignment.id, assignment);
      this.#doubt(problem);
    }
    this.waiting = this.held.filter((each) => each.id !== assignment.id);
    this.current = assignment;
  }

  /**
   * Whatever was asked for may have been given.
   * @param {unknown} problem
   * @returns {never}
   */
  #doubt(problem) {
    this.#doubts = DOUBTS;
    throw problem;
  }

  /**
   * No case of this reviewer's any more.
   * @param {T} assignment
   */
  drop(assignment) {
    this.waiting = this.waiting.filter((each) => each !== assignment);
  }
}
