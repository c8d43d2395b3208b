// Keeps the leases of what the reviewer holds while he is there, and notices at once when one is
// lost: by the server's word, or because its time is over.

import { away } from "./presence.js";

const LOOK_MS = 1_000;

// `held` gives the cases, `lose` takes one that is lost, and why.
export function watch(held, lose) {
  setInterval(() => look(held(), lose), LOOK_MS);
  // After a sleep or without a network, a case may long be somebody else's.
  const check = () => held().forEach((each) => each.opened && keep(each, lose));
  addEventListener("online", check);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") {
      check();
    }
  });
}

function look(held, lose) {
  for (const each of held) {
    if (each.over) {
      lose(each, "the lease has expired; nothing was counted");
    } else if (!away() && each.due) {
      keep(each, lose);
    }
  }
}

export async function keep(held, lose) {
  try {
    await held.heartbeat();
  } catch (problem) {
    if (problem.gone) {
      lose(held, problem.message);
    }
  }
}
