// The review page: one case before the reviewer, and what he does with it.

import { Problem } from "./api.js";
import { announce, warn } from "./banner.js";
import { Desk } from "./desk.js";
import { ask } from "./dialogs.js";
import { listen } from "./keys.js";
import { keep, watch } from "./leases.js";
import { onReturn, present } from "./presence.js";
import { show, showCase, showLoading } from "./screen.js";
import { before } from "./sign_out.js";
import { offerUndo, undoLast } from "./toasts.js";

const POLL_MS = 4_000;
const RETRY_MS = 3_000;

const main = document.getElementById("main");
const help = document.getElementById("help");
const search = document.getElementById("search");

const desk = new Desk();
let advancing = null; // a step to the next case under way
let acting = false;
let retry = 0;

// Put the next case on the screen; without the service, as soon as it is there again.
async function advance() {
  clearTimeout(retry);
  try {
    await (advancing ??= step().finally(() => (advancing = null)));
    if (!desk.current?.lost) {
      warn(null);
    }
  } catch (problem) {
    later(problem);
  }
}

async function step() {
  const slow = setTimeout(showLoading, 150);
  await desk.advance().finally(() => clearTimeout(slow));
  if (desk.current?.node.isConnected) {
    return; // an undone one came back meanwhile
  }
  if (desk.current) {
    open(desk.current);
  } else if (present()) {
    show("empty");
    retry = setTimeout(advance, POLL_MS);
  } else {
    show("paused");
  }
}

function later(problem) {
  expected(problem);
  if (desk.current) {
    return; // an undone one came back meanwhile
  }
  const refused = problem.status === 409; // paused, or holding too many
  if (refused) {
    show("refused");
  } else {
    showLoading();
  }
  warn(`${problem.message}.${refused ? "" : " Trying again."}`);
  clearTimeout(retry);
  retry = setTimeout(advance, RETRY_MS);
}

// Should a case be lost before it was seen, nobody has to know: the next one.
async function open(held) {
  warn(null);
  held.form.freeze(false);
  showCase(held);
  prepare();
  const seen = held.opened;
  await look(held);
  if (!seen && held.lost && held === desk.current) {
    advance();
  }
}

function prepare() {
  desk.fill().catch(expected); // asked for again when it is needed
}

function look(held) {
  held.opened ||= present();
  return keep(held, lose);
}

function welcome() {
  if (!desk.current) {
    advance();
    return;
  }
  if (!desk.current.opened) {
    look(desk.current);
  }
  prepare();
}

// Submit; where the model's answer is withheld, commit first.
function finish() {
  return desk.current.form.blind ? commit() : submit();
}

async function commit() {
  const held = desk.current;
  const { form } = held;
  if (!form.blind) {
    return;
  }
  if (!form.label) {
    form.say("Choose a decision first", "label");
    return;
  }
  await once(held, async () => {
    await held.commit(form.label.value);
    announce(held.node.querySelector("[data-part=draft]").textContent);
  });
}

async function submit() {
  const held = desk.current;
  const said = held.unfinished ? null : held.form.answer;
  if (!said) {
    return;
  }
  await once(held, async () => {
    const { label, seconds, earlier } = await held.submit(said);
    const chosen = held.form.called(label) + (earlier ? ", as first sent" : "");
    offerUndo(held, chosen, seconds, () => undo(held));
    await leave(held);
  });
}

const skip = () => handOn("skip", (held, why) => held.release(why));
const escalate = () => handOn("escalate", (held, why) => held.escalate(why));

// Give the case to somebody else, and say why.
async function handOn(action, act) {
  const held = desk.current;
  if (!held.node.querySelector(`[data-action=${action}]`) || held.lost || held.unfinished) {
    return;
  }
  const why = await ask(action, held);
  if (why && held === desk.current) {
    await once(held, async () => {
      await act(held, why);
      await leave(held);
    });
  }
}

// It is his no more; he may have turned to another one meanwhile.
async function leave(held) {
  held.draft.forget();
  desk.drop(held);
  if (held === desk.current) {
    await advance();
  }
}

// A note needs no lease: whoever has had the case may still say something about it.
async function note() {
  const held = desk.current;
  const text = await ask("note", held);
  if (!text) {
    return;
  }
  try {
    await held.note(text);
  } catch (problem) {
    expected(problem);
    complain(held, `${problem.message}. Your note is not sent yet, and its words are kept: try again.`);
    return;
  }
  held.write("note", "");
  await held.draft.flush();
  held.form.tell("Note kept");
  announce("The note is kept.");
}

// True once the service has answered.
async function undo(held) {
  try {
    await desk.undo(held);
  } catch (problem) {
    expected(problem);
    warn(`${problem.message}.${problem.passing ? " Whether it is undone is not known: try again." : ""}`);
    return !problem.passing;
  }
  clearTimeout(retry);
  open(held);
  return true;
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
  expected(problem);
  if (problem.gone) {
    lose(held, problem.message);
  } else if (problem.passing) {
    warn(`${problem.message}. Your text is kept: try again.`);
  } else {
    held.form.say(problem.message, problem.field);
  }
}

// A mistake of ours is no refusal.
function expected(problem) {
  if (!(problem instanceof Problem)) {
    throw problem;
  }
}

function lose(held, why) {
  held.lost = why;
  desk.drop(held);
  if (held === desk.current) {
    held.form.freeze(true);
    complain(held, `${why}. What you wrote stays here until you go on.`);
  }
}

// From a case that is lost, one goes on.
function complain(held, text) {
  warn(text, held.lost ? "Next case" : "", next);
}

function next() {
  if (!desk.current || desk.current.lost) {
    advance();
    return true;
  }
  return false;
}

watch(() => desk.held, lose);
onReturn(welcome);
addEventListener("pagehide", () => desk.all.forEach((held) => held.draft.leave()));
before.push(async () => {
  const saved = await Promise.all(desk.all.map((held) => held.draft.flush()));
  return saved.every(Boolean);
});

const onPage = (event) => event.target.matches("button, a, summary");
const there = (act) => (event) => (desk.current ? act(event) : false);
const inCase = (act) => there((event) => (desk.current.lost ? false : act(event)));

const buttons = { skip: inCase(skip), escalate: inCase(escalate), note: there(note), next };
main.addEventListener("click", ({ target }) => {
  buttons[target.closest("[data-action]")?.dataset.action]?.();
});
main.addEventListener("submit", (event) => {
  event.preventDefault();
  inCase(finish)();
});

listen(
  {
    enter: (event) => (onPage(event) ? false : inCase(finish)()),
    r: inCase(() => desk.current.form.reason()),
    q: inCase(() => desk.current.form.go("criterion")),
    b: inCase(() => desk.current.form.go("clinical_basis")),
    c: inCase(commit),
    s: inCase(skip),
    e: inCase(escalate),
    o: there(note),
    u: undoLast,
    n: next,
    "/": () => search.showModal(),
    "?": () => help.showModal(),
  },
  inCase((event) => desk.current.form.press(event.key.toLowerCase())),
);
document.getElementById("open-help").addEventListener("click", () => help.showModal());

show("loading");
advance();
