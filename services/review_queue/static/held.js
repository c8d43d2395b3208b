// A case that this reviewer holds: its assignment, its part of the page, its lease.

import { call, fragment } from "./api.js";

export class Held {
  constructor(assignment, node) {
    this.renew(assignment);
    this.node = node;
  }

  static async mine() {
    const assignments = await call("GET", "/v1/assignments");
    return Promise.all(assignments.map(Held.#open));
  }

  // The next case of the queue, or null.
  static async next() {
    const assignment = await call("POST", "/v1/assignments");
    return assignment && Held.#open(assignment);
  }

  static async #open(assignment) {
    return new Held(assignment, await fragment(`/assignments/${assignment.assignment_id}`));
  }

  renew(assignment) {
    this.id = assignment.assignment_id;
    this.token = assignment.token;
    this.leaseSeconds = assignment.lease_seconds;
    this.renewedAt = performance.now();
    this.lost = null; // or why
  }

  get title() {
    return this.node.querySelector("h1").textContent;
  }

  get due() {
    return performance.now() - this.renewedAt > (this.leaseSeconds * 1000) / 3;
  }

  async heartbeat(opened) {
    const at = performance.now();
    await this.#act("heartbeat", { opened });
    this.renewedAt = at;
  }

  submit(answer) {
    return this.#act("submit", answer);
  }

  release(reason) {
    return this.#act("release", { reason });
  }

  async undo() {
    this.renew(await this.#act("undo", {}));
  }

  #act(action, body) {
    return call("POST", `/v1/assignments/${this.id}/${action}`, { token: this.token, ...body });
  }
}
