// Keeps the leases of what the reviewer holds while he is there, and notices at once when one is
// lost: by the server's word, or because its time is over.

const LOOK_MS = 1_000;
const AWAY_MS = 10 * 60_000; // nobody is there: let others have the case

let lastSeen = performance.now();

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
  const away = performance.now() - lastSeen > AWAY_MS;
  for (const each of held) {
    if (each.over) {
      lose(each, "the lease has expired; nothing was counted");
    } else if (!away && each.due) {
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

for (const sign of ["keydown", "pointermove", "scroll"]) {
  addEventListener(sign, () => (lastSeen = performance.now()), { passive: true, capture: true });
}
