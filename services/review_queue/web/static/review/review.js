// The review page: its keys and its buttons, and what happens when its reviewer comes and goes.

import { byId, origin } from "../common/dom.js";
import { beforeSignOut } from "../common/sign_out.js";
import { commit, escalate, finish, note, skip } from "./case_actions.js";
import { listenToKeys } from "./keys.js";
import { watchLeases } from "./leases.js";
import { onReturn } from "./presence.js";
import { show } from "./screen.js";
import { undoLast } from "./toasts.js";
import { advance, lose, next, welcomeBack, worklist } from "./workbench.js";

/** @typedef {import("./assignment.js").Assignment} Assignment */

const main = byId("main", HTMLElement);
const help = byId("help", HTMLDialogElement);
const search = byId("search", HTMLDialogElement);

watchLeases(() => worklist.held, lose);
onReturn(welcomeBack);
addEventListener("pagehide", () => worklist.all.forEach((assignment) => assignment.draft.leave()));
beforeSignOut.push(async () => {
  const saved = await Promise.all(worklist.all.map((assignment) => assignment.draft.flush()));
  return saved.every(Boolean);
});

/**
 * With the case on the screen, if there is one.
 * @param {(assignment: Assignment) => unknown} act
 */
const withCase = (act) => () => (worklist.current ? act(worklist.current) : false);

/**
 * With the case on the screen, while it is held.
 * @param {(assignment: Assignment) => unknown} act
 */
const whileHeld = (act) => withCase((assignment) => (assignment.lost ? false : act(assignment)));

/** @type {Record<string, () => unknown>} */
const buttons = {
  skip: whileHeld(skip),
  escalate: whileHeld(escalate),
  note: withCase(note),
  next,
};
main.addEventListener("click", (event) => {
  const action = origin(event).closest("[data-action]")?.getAttribute("data-action");
  buttons[action ?? ""]?.();
});
main.addEventListener("submit", (event) => {
  event.preventDefault();
  whileHeld(finish)();
});

listenToKeys(
  {
    enter: (event) => (origin(event).matches("button, a, summary") ? false : whileHeld(finish)()),
    r: whileHeld(({ form }) => form.goToReason()),
    q: whileHeld(({ form }) => form.go("criterion")),
    b: whileHeld(({ form }) => form.go("clinical_basis")),
    c: whileHeld(commit),
    s: whileHeld(skip),
    e: whileHeld(escalate),
    o: withCase(note),
    u: undoLast,
    n: next,
    "/": () => search.showModal(),
    "?": () => help.showModal(),
  },
  (event) => whileHeld(({ form }) => form.press(event.key.toLowerCase()))(),
);
byId("open-help", HTMLButtonElement).addEventListener("click", () => help.showModal());

show("loading");
advance();
