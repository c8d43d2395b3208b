// Finds what a page must have: an element that is missing, or is of another kind, is a mistake of
// ours and no state of the page.

/** @typedef {HTMLInputElement | HTMLTextAreaElement} TextControl */

/**
 * @template {Element} E
 * @param {string} id
 * @param {new () => E} kind
 */
export function byId(id, kind) {
  return checked(document.getElementById(id), kind, `#${id}`);
}

/**
 * @template {Element} E
 * @param {ParentNode} within
 * @param {string} selector
 * @param {new () => E} kind
 */
export function find(within, selector, kind) {
  return checked(within.querySelector(selector), kind, selector);
}

/**
 * @template {Element} E
 * @param {ParentNode} within
 * @param {string} selector
 * @param {new () => E} kind
 */
export function findAll(within, selector, kind) {
  return [...within.querySelectorAll(selector)].map((element) => checked(element, kind, selector));
}

/**
 * A copy of what a template holds.
 * @param {string} id
 */
export function fromTemplate(id) {
  const content = byId(id, HTMLTemplateElement).content.firstElementChild;
  return checked(content?.cloneNode(true), HTMLElement, `#${id} > *`);
}

/**
 * The field of a form that somebody writes in.
 * @param {ParentNode} within
 * @param {string} name
 * @returns {TextControl | null}
 */
export function textControl(within, name) {
  return within.querySelector(`input[name="${name}"], textarea[name="${name}"]`);
}

/**
 * What an event comes from, as an element.
 * @param {Event} event
 */
export function origin(event) {
  return checked(event.target, Element, event.type);
}

/**
 * The name of the field that an event comes from; nothing if it has none.
 * @param {Event} event
 */
export function nameOf(event) {
  return origin(event).getAttribute("name") ?? "";
}

/**
 * @template E
 * @param {unknown} element
 * @param {new () => E} kind
 * @param {string} what
 */
function checked(element, kind, what) {
  if (element instanceof kind) {
    return element;
  }
  throw new TypeError(`the page has no ${kind.name} ${what}`);
}
