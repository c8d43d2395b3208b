// Signing out: first what must not be lost is saved, then nothing of it stays in this browser.

import { forgetAll } from "./local.js";

// Each says whether signing out may go on.
export const before = [];

const form = document.getElementById("sign-out");

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  for (const act of before) {
    if (!(await act())) {
      return;
    }
  }
  forgetAll();
  form.submit();
});
