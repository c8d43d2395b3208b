// Drafts in this browser: only what the server has not got yet, and nothing after signing out.

const PREFIX = "caseloop.draft.";
const user = document.body.dataset.user;

const key = (review) => `${PREFIX}${user}.${review}`;

export function keep(review, draft) {
  try {
    localStorage.setItem(key(review), JSON.stringify(draft));
    return true;
  } catch {
    return false; // full, or forbidden: the page still holds it
  }
}

export function read(review) {
  try {
    return JSON.parse(localStorage.getItem(key(review)));
  } catch {
    return null;
  }
}

export function forget(review) {
  try {
    localStorage.removeItem(key(review));
  } catch {
    // forbidden: then nothing was kept either
  }
}

export function forgetAll() {
  try {
    for (const name of Object.keys(localStorage)) {
      if (name.startsWith(PREFIX)) {
        localStorage.removeItem(name);
      }
    }
  } catch {
    // forbidden: then nothing was kept either
  }
}
