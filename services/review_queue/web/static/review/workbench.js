// The case on the screen and what comes after it: the next one is put there as soon as there is
// one, and one that is lost stays, with what was written, until the reviewer moves on.

import { Problem } from "../common/api.js";
import { Assignment } from "./assignment.js";
import { clearWarning, warn } from "./banner.js";
import { keepLease } from "./leases.js";
import { isPresent } from "./presence.js";
import { show, showCase, showLoading } from "./screen.js";
import { Worklist } from "./worklist.js";

const POLL_MS = 4_000;
const RETRY_MS = 3_000;

/** @type {Worklist<Assignment>} */
export const worklist = new Worklist({
  lease: Assignment.lease,
  list: Assignment.list,
  open: Assignment.open,
  isPresent,
});
/** @type {Promise<void> | null} */
let advancing = null; // a step to the next case under way
let retry = 0;

// Put the next case on the screen; without the service, as soon as it is there again.
export async function advance() {
  clearTimeout(retry);
  try {
    await (advancing ??= step().finally(() => (advancing = null)));
    if (!worklist.current?.lost) {
      clearWarning();
    }
  } catch (problem) {
    tryLater(expected(problem));
  }
}

async function step() {
  const slow = setTimeout(showLoading, 150);
  await worklist.advance().finally(() => clearTimeout(slow));
  if (worklist.current?.node.isConnected) {
    return; // an undone one came back meanwhile
  }
  if (worklist.current) {
    open(worklist.current);
  } else if (isPresent()) {
    show("empty");
    retry = setTimeout(advance, POLL_MS);
  } else {
    show("paused");
  }
}

/** @param {Problem} problem */
function tryLater(problem) {
  if (worklist.current) {
    return; // an undone one came back meanwhile
  }
  const isRefused = problem.status === 409; // paused, or holding too many
  if (isRefused) {
    show("refused");
  } else {
    showLoading();
  }
  warn(`${problem.message}.${isRefused ? "" : " Trying again."}`);
  clearTimeout(retry);
  retry = setTimeout(advance, RETRY_MS);
}

/**
 * Should a case be lost before it was seen, nobody has to know: the next one.
 * @param {Assignment} assignment
 */
export async function open(assignment) {
  clearTimeout(retry);
  clearWarning();
  assignment.form.actions.freeze(false);
  showCase(assignment);
  prefetch();
  const wasSeen = assignment.opened;
  await look(assignment);
  if (!wasSeen && assignment.lost && assignment === worklist.current) {
    advance();
  }
}

function prefetch() {
  worklist.fill().catch(expected); // asked for again when it is needed
}

/** @param {Assignment} assignment */
function look(assignment) {
  assignment.opened ||= isPresent();
  return keepLease(assignment, lose);
}

export function welcomeBack() {
  if (!worklist.current) {
    advance();
    return;
  }
  if (!worklist.current.opened) {
    look(worklist.current);
  }
  prefetch();
}

/**
 * Drops an assignment that the reviewer no longer holds. They may be on another one by now.
 * @param {Assignment} assignment
 */
export async function leave(assignment) {
  assignment.draft.forget();
  worklist.drop(assignment);
  if (assignment === worklist.current) {
    await advance();
  }
}

/**
 * @param {Assignment} assignment
 * @param {string} why
 */
export function lose(assignment, why) {
  assignment.lost = why;
  worklist.drop(assignment);
  if (assignment === worklist.current) {
    assignment.form.actions.freeze(true);
    complain(assignment, `${why}. What you wrote stays here until you move on.`);
  }
}

/**
 * Shows a problem, with a way to the next case where this one is lost.
 * @param {Assignment} assignment
 * @param {string} text
 */
export function complain(assignment, text) {
  warn(text, assignment.lost ? "Next case" : "", next);
}

export function next() {
  if (!worklist.current || worklist.current.lost) {
    advance();
    return true;
  }
  return false;
}

/**
 * Passes a refusal of the server on; any other error is a bug and is thrown.
 * @param {unknown} problem
 */
export function expected(problem) {
  if (problem instanceof Problem) {
    return problem;
  }
  throw problem;
}
