// Whether somebody is there: what is taken or seen on this page is taken and seen by a person.

const PRESENT_MS = 3 * 60_000; // after the last sign of them, cases come to others
const AWAY_MS = 10 * 60_000; // and after that, others may have those that they hold
const SIGNS = ["keydown", "pointermove", "pointerdown", "wheel", "touchmove"];

/** @type {(() => void)[]} */
const returns = [];
let lastSign = performance.now();

const silenceMs = () => performance.now() - lastSign;

export const isPresent = () => document.visibilityState === "visible" && silenceMs() < PRESENT_MS;
export const isAway = () => silenceMs() > AWAY_MS;

/**
 * Do this when somebody comes back to the page, or to the screen it is on.
 * @param {() => void} act
 */
export function onReturn(act) {
  returns.push(act);
}

/** @param {boolean} isReturn */
function sign(isReturn) {
  lastSign = performance.now();
  if (isReturn) {
    returns.forEach((act) => act());
  }
}

for (const kind of SIGNS) {
  addEventListener(kind, () => sign(!isPresent()), { passive: true, capture: true });
}
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") {
    sign(true);
  }
});
