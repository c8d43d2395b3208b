// Drafts in this browser: only what the server has not got yet, and nothing after signing out.

/**
 * What a reviewer did to a case so far. `at`: when, in milliseconds; `assignment`: under which one.
 * @typedef {object} Draft
 * @property {number} at
 * @property {Record<string, string>} fields
 * @property {Record<string, string>} words of its dialogs, not sent yet
 * @property {string[]} panels
 * @property {string} [assignment]
 */

const PREFIX = `caseloop.draft.${document.body.dataset.user}/`;

/** @param {string} review */
const key = (review) => `${PREFIX}${review}`;

/**
 * Whether this browser has it now.
 * @param {{review: string, id: string}} assignment
 * @param {Draft} draft
 */
export function keep({ review, id }, draft) {
  try {
    localStorage.setItem(key(review), JSON.stringify({ ...draft, assignment: id }));
    return true;
  } catch {
    return false; // full, or forbidden: the page still holds it
  }
}

/**
 * @param {string} review
 * @returns {Draft | null}
 */
export function read(review) {
  try {
    return JSON.parse(localStorage.getItem(key(review)) ?? "null");
  } catch {
    return null;
  }
}

/** @param {string} review */
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
