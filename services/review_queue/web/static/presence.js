// Whether somebody is there: what is taken or seen on this page is taken and seen by a person.

const PRESENT_MS = 3 * 60_000; // after the last sign of him, cases come to others
const AWAY_MS = 10 * 60_000; // and after that, others may have those that he holds
const SIGNS = ["keydown", "pointermove", "pointerdown", "wheel", "touchmove"];

const returns = [];
let lastSign = performance.now();

const silence = () => performance.now() - lastSign;

export const present = () => document.visibilityState === "visible" && silence() < PRESENT_MS;
export const away = () => silence() > AWAY_MS;

// Do this when he comes back to the page, or to the desk before it.
export function onReturn(act) {
  returns.push(act);
}

function sign(returned) {
  lastSign = performance.now();
  if (returned) {
    returns.forEach((act) => act());
  }
}

for (const kind of SIGNS) {
  addEventListener(kind, () => sign(!present()), { passive: true, capture: true });
}
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") {
    sign(true);
  }
});
