// The review page: one case before the reviewer, the next one already leased and waiting.

import { Problem } from "./api.js";
import { answer, freeze, prepare, press, say } from "./form.js";
import { Held } from "./held.js";
import { listen } from "./keys.js";
import { askReason } from "./skip.js";
import { offerUndo, undoLast } from "./toasts.js";

const POLL_MS = 4_000;
const RETRY_MS = 3_000;
const HEARTBEAT_MS = 10_000;
const AWAY_MS = 10 * 60_000; // nobody is there: let others have the case

const main = document.getElementById("main");
const banner = document.getElementById("banner");
const help = document.getElementById("help");

const waiting = []; // leased ahead, next one first
let current = null;
let fetching = null; // a lease under way
let advancing = null; // a step to the next case under way
let acting = false;
let lastSeen = performance.now();
let retry = 0;

async function start() {
  show("loading");
  await patiently(async () => {
    waiting.push(...(await Held.mine()));
    await advance();
  });
}

// Put the next case on the screen; without one, say so and look again.
function advance() {
  advancing ??= step().finally(() => (advancing = null));
  return advancing;
}

async function step() {
  current = null;
  clearTimeout(retry);
  if (waiting.length === 0) {
    const slow = setTimeout(() => show("loading"), 150);
    await fetchAhead().finally(() => clearTimeout(slow));
  }
  if (current) {
    return; // an undone case came back meanwhile
  }
  current = waiting.shift() ?? null;
  if (current) {
    open(current);
  } else {
    show("empty");
    retry = setTimeout(() => patiently(advance), POLL_MS);
  }
}

function fetchAhead() {
  fetching ??= Held.next()
    .then((held) => held && waiting.push(held))
    .finally(() => (fetching = null));
  return fetching;
}

function open(held) {
  warn(null);
  freeze(held.node, false);
  main.replaceChildren(held.node);
  scrollTo({ top: 0 });
  held.node.querySelector("h1").focus({ preventScroll: true });
  if (held.opened) {
    keep(held, true);
  } else {
    begin(held);
  }
  if (waiting.length === 0) {
    fetchAhead().catch(() => {}); // asked for again when it is needed
  }
}

// A case seen for the first time. Should it be lost already, nobody has to know: the next one.
async function begin(held) {
  held.opened = true;
  prepare(held.node, { onSubmit: submit, onSkip: skip });
  await keep(held, true);
  if (held.lost && held === current) {
    patiently(advance);
  }
}

function show(name) {
  if (main.firstElementChild?.dataset.name === name) {
    return; // it may have the focus
  }
  const node = document.getElementById(name).content.firstElementChild.cloneNode(true);
  node.dataset.name = name;
  node.querySelector("[data-action=next]")?.addEventListener("click", next);
  main.replaceChildren(node);
  node.querySelector("h1")?.focus();
}

async function submit() {
  const held = current;
  const said = held && !held.lost && answer(held.node);
  if (!said) {
    return;
  }
  await once(held, async () => {
    const done = await held.submit(said);
    const chosen = held.node.querySelector("[name=label]:checked + span").textContent;
    offerUndo(held, chosen, done.undo_seconds, () => undo(held));
    await patiently(advance);
  });
}

async function skip() {
  const held = current;
  if (!held || held.lost) {
    return;
  }
  const reason = await askReason();
  if (reason) {
    await once(held, async () => {
      await held.release(reason);
      await patiently(advance);
    });
  }
}

async function undo(held) {
  try {
    await held.undo();
  } catch (problem) {
    warn(`${problem.message}.`);
    return;
  }
  if (current && !current.lost) {
    waiting.unshift(current);
  }
  clearTimeout(retry);
  current = held;
  open(held);
}

// One action on a case at a time; what goes wrong is said beside the form or above it.
async function once(held, act) {
  if (acting) {
    return;
  }
  acting = true;
  freeze(held.node, true);
  warn(null);
  try {
    await act();
  } catch (problem) {
    refused(held, problem);
  } finally {
    acting = false;
    freeze(held.node, Boolean(held.lost));
  }
}

function refused(held, problem) {
  if (!(problem instanceof Problem)) {
    throw problem;
  }
  if (problem.status === 409 || problem.status === 404) {
    lose(held, problem.message);
  } else if (problem.passing) {
    warn(`${problem.message}. Your text is kept: try again.`);
  } else {
    say(held.node.querySelector("form"), problem.message, problem.field);
  }
}

function lose(held, why) {
  held.lost = why;
  const place = waiting.indexOf(held);
  if (place >= 0) {
    waiting.splice(place, 1);
  }
  if (held === current) {
    freeze(held.node, true);
    sayLost(held);
  }
}

function sayLost(held) {
  const why = held.lost[0].toUpperCase() + held.lost.slice(1);
  warn(`${why}. What you wrote stays here until you go on.`, "Next case", next);
}

function next() {
  if (!current || current.lost) {
    patiently(advance);
    return true;
  }
  return false;
}

// Renew the lease while somebody is there.
async function keep(held, opened) {
  try {
    await held.heartbeat(opened);
  } catch (problem) {
    if (problem.status === 409 || problem.status === 404) {
      lose(held, problem.message);
    }
  }
}

setInterval(() => {
  if (performance.now() - lastSeen > AWAY_MS) {
    return;
  }
  for (const held of [current, ...waiting]) {
    if (held && !held.lost && held.due) {
      keep(held, false);
    }
  }
}, HEARTBEAT_MS);

for (const sign of ["keydown", "pointermove", "scroll"]) {
  addEventListener(sign, () => (lastSeen = performance.now()), { passive: true, capture: true });
}

// Do what needs the service, and again until it is there.
async function patiently(work) {
  try {
    await work();
    if (!current?.lost) {
      warn(null);
    }
  } catch (problem) {
    if (!current) {
      show("loading");
    }
    if (problem.status === 409) {
      warn("You hold as many cases as one may, in other windows: finish those first.");
    } else {
      warn(`${problem.message}. Trying again.`);
    }
    retry = setTimeout(() => patiently(work), RETRY_MS);
  }
}

function warn(text, label, act) {
  banner.hidden = !text;
  banner.replaceChildren(text ?? "");
  if (text && label) {
    const button = document.createElement("button");
    button.textContent = label;
    button.addEventListener("click", act);
    banner.append(button);
  }
}

const inCase = (act) => () => (current && !current.lost ? act() : false);

listen(
  {
    enter: (event) => (event.target.matches("button, a, summary") ? false : inCase(submit)()),
    r: inCase(() => current.node.querySelector("textarea").focus()),
    s: inCase(skip),
    u: undoLast,
    n: next,
    "?": () => help.showModal(),
  },
  (event) => Boolean(current && !current.lost && press(current.node, event.key.toLowerCase())),
);
document.getElementById("open-help").addEventListener("click", () => help.showModal());

start();
