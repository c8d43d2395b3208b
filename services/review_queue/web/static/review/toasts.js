// What was submitted and can still be undone, each with the seconds that are left for it.

import { byId, find, fromTemplate } from "../common/dom.js";

/**
 * @typedef {object} Offer
 * @property {HTMLElement} toast
 * @property {() => Promise<boolean>} undo whether there was an answer; without, the offer stands
 * @property {boolean} isTaken
 * @property {number} endsAt
 */

const holder = byId("toasts", HTMLElement);
/** @type {Offer[]} */
const offers = [];

/**
 * @param {string} what
 * @param {{title: string, seconds: number, undo: () => Promise<boolean>}} submitted
 */
export function offerUndo(what, { title, seconds, undo }) {
  const toast = fromTemplate("toast");
  find(toast, ".what", HTMLElement).textContent = what;
  find(toast, ".which", HTMLElement).textContent = title;
  const offer = { toast, undo, isTaken: false, endsAt: performance.now() + seconds * 1000 };
  find(toast, ".undo", HTMLElement).addEventListener("click", () => take(offer));
  offers.push(offer);
  holder.append(toast);
  const shrink = [{ transform: "scaleX(1)" }, { transform: "scaleX(0)" }];
  const countdown = find(toast, ".countdown", HTMLElement);
  countdown.animate(shrink, { duration: seconds * 1000, fill: "forwards" });
  tick(offer);
}

export function undoLast() {
  const last = offers.at(-1);
  if (last) {
    take(last);
  }
}

/** @param {Offer} offer */
function tick(offer) {
  const left = Math.ceil((offer.endsAt - performance.now()) / 1000);
  if (!offers.includes(offer) || (left <= 0 && !offer.isTaken)) {
    close(offer);
    return;
  }
  find(offer.toast, ".seconds", HTMLElement).textContent = `${Math.max(left, 0)} s`;
  setTimeout(() => tick(offer), 250);
}

/** @param {Offer} offer */
async function take(offer) {
  if (offer.isTaken) {
    return;
  }
  offer.isTaken = true;
  const isAnswered = await offer.undo().finally(() => (offer.isTaken = false));
  if (isAnswered) {
    close(offer);
  }
}

/** @param {Offer} offer */
function close(offer) {
  const index = offers.indexOf(offer);
  if (index >= 0) {
    offers.splice(index, 1);
  }
  offer.toast.remove();
}
