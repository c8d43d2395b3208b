// Keeps the leases of what the reviewer holds while they are there, and notices at once when one is
// lost: by the server's word, or because its time is over.

import { Problem } from "../common/api.js";
import { isAway } from "./presence.js";

/**
 * @typedef {import("./assignment.js").Assignment} Assignment
 * @typedef {(assignment: Assignment, why: string) => void} Lose takes one that is lost, and why
 */

const LOOK_MS = 1_000;

/**
 * @param {() => Assignment[]} held
 * @param {Lose} lose
 */
export function watchLeases(held, lose) {
  setInterval(() => look(held(), lose), LOOK_MS);
  // After a sleep or without a network, a case may long be somebody else's.
  const check = () => held().forEach((each) => each.opened && keepLease(each, lose));
  addEventListener("online", check);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") {
      check();
    }
  });
}

/**
 * @param {Assignment[]} held
 * @param {Lose} lose
 */
function look(held, lose) {
  for (const assignment of held) {
    if (assignment.isOver) {
      lose(assignment, "the lease has expired; nothing was counted");
    } else if (!isAway() && assignment.isDue) {
      keepLease(assignment, lose);
    }
  }
}

/**
 * @param {Assignment} assignment
 * @param {Lose} lose
 */
export async function keepLease(assignment, lose) {
  try {
    await assignment.heartbeat();
  } catch (problem) {
    if (problem instanceof Problem && problem.isGone) {
      lose(assignment, problem.message);
    }
  }
}
