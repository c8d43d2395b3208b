// The review page: one case before the reviewer, the next one already leased and waiting.

import { Problem } from "./api.js";
import { announce, warn } from "./banner.js";
import { ask } from "./dialogs.js";
import { Held } from "./held.js";
import { listen } from "./keys.js";
import { keep, watch } from "./leases.js";
import { before } from "./sign_out.js";
import { offerUndo, undoLast } from "./toasts.js";

const POLL_MS = 4_000;
const RETRY_MS = 3_000;

const main = document.getElementById("main");
const help = document.getElementById("help");
const search = document.getElementById("search");

const waiting = []; // leased ahead, next one first
let current = null;
let fetching = null; // a lease under way
let advancing = null; // a step to the next case under way
let acting = false;
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
  held.form.freeze(false);
  main.replaceChildren(held.node);
  scrollTo({ top: 0 });
  held.node.querySelector("h1").focus({ preventScroll: true });
  if (held.opened) {
    keep(held, lose);
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
  held.node.querySelector("form.decide").addEventListener("submit", (event) => {
    event.preventDefault();
    finish();
  });
  for (const [action, act] of Object.entries({ skip, escalate, note })) {
    held.node.querySelector(`[data-action=${action}]`)?.addEventListener("click", act);
  }
  await keep(held, lose);
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

// Submit; where the model's answer is withheld, commit first.
function finish() {
  return current.form.withheld ? commit() : submit();
}

async function commit() {
  const held = current;
  const { form } = held;
  if (!form.withheld) {
    return;
  }
  if (!form.label) {
    form.say("Choose a decision first", "label");
    return;
  }
  await once(held, async () => {
    try {
      await held.commit(form.label.value);
    } catch (problem) {
      if (problem.status !== 409) {
        throw problem;
      } // lost, or committed by a request whose answer was: the page knows
    }
    await held.refresh();
    announce(held.node.querySelector("[data-part=draft]").textContent);
  });
}

async function submit() {
  const held = current;
  const said = held.form.answer;
  if (!said) {
    return;
  }
  await once(held, async () => {
    const chosen = held.form.label.nextElementSibling.textContent;
    const done = await held.submit(said);
    held.draft.forget();
    offerUndo(held, chosen, done.undo_seconds, () => undo(held));
    await patiently(advance);
  });
}

const skip = () => handOn("skip", (held, why) => held.release(why));
const escalate = () => handOn("escalate", (held, why) => held.escalate(why));

// Give the case to somebody else, and say why.
async function handOn(dialog, act) {
  const held = current;
  if (!held.node.querySelector(`[data-action=${dialog}]`) || held.lost) {
    return;
  }
  const why = await ask(dialog, held);
  if (why && held === current) {
    await once(held, async () => {
      await act(held, why);
      held.draft.forget();
      await patiently(advance);
    });
  }
}

// A note needs no lease: whoever has had the case may still say something about it.
async function note() {
  const held = current;
  const text = await ask("note", held);
  if (!text) {
    return;
  }
  try {
    await held.note(text);
  } catch (problem) {
    complain(held, `${problem.message}. Your note is not sent, and kept: try again.`);
    return;
  }
  held.write("note", "");
  await held.draft.flush();
  held.form.tell("Note kept");
  announce("The note is kept.");
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
  if (acting || held.lost) {
    return;
  }
  acting = true;
  held.form.freeze(true);
  warn(null);
  try {
    await act();
  } catch (problem) {
    refused(held, problem);
  } finally {
    acting = false;
    held.form.freeze(Boolean(held.lost));
  }
}

function refused(held, problem) {
  if (!(problem instanceof Problem)) {
    throw problem;
  }
  if (problem.gone) {
    lose(held, problem.message);
  } else if (problem.passing) {
    warn(`${problem.message}. Your text is kept: try again.`);
  } else {
    held.form.say(problem.message, problem.field);
  }
}

function lose(held, why) {
  held.lost = why;
  const place = waiting.indexOf(held);
  if (place >= 0) {
    waiting.splice(place, 1);
  }
  if (held === current) {
    held.form.freeze(true);
    complain(held, `${why}. What you wrote stays here until you go on.`);
  }
}

// From a case that is lost, one goes on.
function complain(held, text) {
  warn(text, held.lost ? "Next case" : "", next);
}

function next() {
  if (!current || current.lost) {
    patiently(advance);
    return true;
  }
  return false;
}

// Do what needs the service, and again until it is there.
async function patiently(work) {
  try {
    await work();
    if (!current?.lost) {
      warn(null);
    }
  } catch (problem) {
    const refused = problem.status === 409; // paused, or holding too many
    if (!current) {
      show(refused ? "refused" : "loading");
    }
    warn(`${problem.message}.${refused ? "" : " Trying again."}`);
    retry = setTimeout(() => patiently(work), RETRY_MS);
  }
}

watch(() => [current, ...waiting].filter((held) => held && !held.lost), lose);
addEventListener("pagehide", () => current?.draft.leave());
before.push(async () => {
  const all = [current, ...waiting].filter(Boolean);
  const saved = await Promise.all(all.map((held) => held.draft.flush()));
  return saved.every(Boolean);
});

const inCase = (act) => (event) => (current && !current.lost ? act(event) : false);
const onPage = (event) => event.target.matches("button, a, summary");

listen(
  {
    enter: (event) => (onPage(event) ? false : inCase(finish)()),
    r: inCase(() => current.form.reason()),
    q: inCase(() => current.form.go("criterion")),
    b: inCase(() => current.form.go("clinical_basis")),
    c: inCase(commit),
    s: inCase(skip),
    e: inCase(escalate),
    o: () => (current ? note() : false),
    u: undoLast,
    n: next,
    "/": () => search.showModal(),
    "?": () => help.showModal(),
  },
  (event) => Boolean(current && !current.lost && current.form.press(event.key.toLowerCase())),
);
document.getElementById("open-help").addEventListener("click", () => help.showModal());

start();
