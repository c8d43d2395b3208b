// Drafts in this browser: only what the server has not got yet, and nothing after signing out.

const user = document.body.dataset.user;
const PREFIX = `caseloop.draft.${user}/`;

const key = (review) => `${PREFIX}${review}`;

export function keep({ review, id }, draft) {
  try {
    localStorage.setItem(key(review), JSON.stringify({ ...draft, assignment: id }));
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

// The reviews that this user has drafts of here.
export function reviews() {
  try {
    const names = Object.keys(localStorage).filter((name) => name.startsWith(PREFIX));
    return names.map((name) => name.slice(PREFIX.length));
  } catch {
    return []; // forbidden: then nothing was kept either
  }
}
