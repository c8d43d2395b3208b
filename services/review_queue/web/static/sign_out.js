// Signing out: first what must not be lost is saved, then nothing of it stays in this browser. What
// cannot be saved is lost only if the reviewer says so.

import { call } from "./api.js";
import { forget, read, reviews } from "./local.js";

// Each saves something of its page, and says whether it could.
export const before = [];

const form = document.getElementById("sign-out");
const unsaved = document.getElementById("unsaved");

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const here = await Promise.all(before.map((act) => act()));
  const elsewhere = await Promise.all(reviews().map(send));
  if ([...here, ...elsewhere].every(Boolean)) {
    leave();
  } else {
    unsaved.showModal();
  }
});
unsaved?.querySelector(".anyway").addEventListener("click", leave);

// A draft that only this browser has goes to the server, unless that has a newer one.
async function send(review) {
  const draft = read(review);
  const path = `/v1/assignments/${draft?.assignment}/draft`;
  try {
    const { content } = await call("GET", path);
    if (draft.at > (content?.at ?? 0)) {
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
