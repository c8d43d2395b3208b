// Signing out: first what must not be lost is saved, then nothing of it stays in this browser. What
// cannot be saved is lost only if the reviewer says so.

import { call } from "./api.js";
import { byId, find } from "./dom.js";
import { forget, read, reviews } from "./local_drafts.js";

/**
 * Each saves something of its page, and says whether it could.
 * @type {(() => Promise<boolean>)[]}
 */
export const beforeSignOut = [];

const form = byId("sign-out", HTMLFormElement);
const unsaved = byId("unsaved", HTMLDialogElement);

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const here = await Promise.all(beforeSignOut.map((save) => save()));
  const elsewhere = await Promise.all(reviews().map(send));
  if ([...here, ...elsewhere].every(Boolean)) {
    leave();
  } else {
    unsaved.showModal();
  }
});
find(unsaved, ".anyway", HTMLButtonElement).addEventListener("click", leave);

/**
 * A draft that only this browser has goes to the server, unless that has a newer one.
 * @param {string} review
 */
async function send(review) {
  const draft = read(review);
  const path = `/v1/assignments/${draft?.assignment}/draft`;
  try {
    const { content } = await call("GET", path);
    if (draft && draft.at > (content?.at ?? 0)) {
      await call("PUT", path, { content: draft });
    }
  } catch {
    return false; // away, or its case is decided
  }
  forget(review);
  return true;
}

function leave() {
  reviews().forEach(forget);
  form.submit();
}
