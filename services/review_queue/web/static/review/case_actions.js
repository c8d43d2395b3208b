// What a reviewer does with a case. One action on a case at a time; what goes wrong is said beside
// the form or above it, and what was written is kept.

import { announce, clearWarning, warn } from "./banner.js";
import { ask } from "./dialogs.js";
import { offerUndo } from "./toasts.js";
import { complain, expected, leave, lose, open, worklist } from "./workbench.js";

/**
 * @typedef {import("../common/api.js").Problem} Problem
 * @typedef {import("./assignment.js").Assignment} Assignment
 */

let isActing = false;

/**
 * Submit; where the review is blind, commit first.
 * @param {Assignment} assignment
 */
export function finish(assignment) {
  return assignment.form.blind ? commit(assignment) : submit(assignment);
}

/** @param {Assignment} assignment */
export async function commit(assignment) {
  const { form } = assignment;
  const label = form.label?.value;
  if (!form.blind) {
    return;
  }
  if (!label) {
    form.say("Choose a decision first", "label");
    return;
  }
  await once(assignment, async () => {
    await assignment.commit(label);
    announce(assignment.node.querySelector("[data-part=draft]")?.textContent ?? "");
  });
}

/** @param {Assignment} assignment */
async function submit(assignment) {
  const answer = assignment.refuseUnfinished() ? null : assignment.form.answer;
  if (!answer) {
    return;
  }
  await once(assignment, async () => {
    const { label, seconds, isEarlier } = await assignment.submit(answer);
    const what = assignment.form.titleOf(label) + (isEarlier ? ", as first sent" : "");
    offerUndo(what, { title: assignment.title, seconds, undo: () => undo(assignment) });
    await leave(assignment);
  });
}

/** @param {Assignment} assignment */
export const skip = (assignment) => handOn(assignment, "skip", (why) => assignment.release(why));
/** @param {Assignment} assignment */
export const escalate = (assignment) =>
  handOn(assignment, "escalate", (why) => assignment.escalate(why));

/**
 * Give the case to somebody else, and say why.
 * @param {Assignment} assignment
 * @param {string} action
 * @param {(why: string) => Promise<unknown>} send
 */
async function handOn(assignment, action, send) {
  const isOffered = assignment.node.querySelector(`[data-action=${action}]`);
  if (!isOffered || assignment.lost || assignment.refuseUnfinished()) {
    return;
  }
  const why = await ask(action, assignment);
  if (why && assignment === worklist.current) {
    await once(assignment, async () => {
      await send(why);
      await leave(assignment);
    });
  }
}

/**
 * A note needs no lease: whoever has had the case may still say something about it.
 * @param {Assignment} assignment
 */
export async function note(assignment) {
  const text = await ask("note", assignment);
  if (!text) {
    return;
  }
  try {
    await assignment.addNote(text);
  } catch (problem) {
    const why = expected(problem).message;
    complain(assignment, `${why}. Your note is not sent yet, and its words are kept: try again.`);
    return;
  }
  assignment.write("note", "");
  await assignment.draft.flush();
  assignment.form.actions.showDraftState("Note kept");
  announce("The note is kept.");
}

/**
 * True once the service has answered.
 * @param {Assignment} assignment
 */
async function undo(assignment) {
  try {
    await worklist.undo(assignment);
  } catch (error) {
    const problem = expected(error);
    const doubt = problem.isPassing ? " Whether it is undone is not known: try again." : "";
    warn(`${problem.message}.${doubt}`);
    return !problem.isPassing;
  }
  open(assignment);
  return true;
}

/**
 * Nothing else is done with the case until this is over.
 * @param {Assignment} assignment
 * @param {() => Promise<void>} act
 */
async function once(assignment, act) {
  if (isActing || assignment.lost) {
    return;
  }
  isActing = true;
  assignment.form.actions.freeze(true);
  clearWarning();
  try {
    await act();
  } catch (problem) {
    refuse(assignment, expected(problem));
  } finally {
    isActing = false;
    assignment.form.actions.freeze(assignment.lost !== null);
  }
}

/**
 * @param {Assignment} assignment
 * @param {Problem} problem
 */
function refuse(assignment, problem) {
  if (problem.isGone) {
    lose(assignment, problem.message);
  } else if (problem.isPassing) {
    warn(`${problem.message}. Your text is kept: try again.`);
  } else {
    assignment.form.say(problem.message, problem.field);
  }
}
