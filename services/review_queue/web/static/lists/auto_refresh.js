// A page that follows the queue: `#auto-refresh` is fetched again as often as it says in
// `data-seconds`. Elements are changed in place, so that focus, selection and what is open stay.

import { byId } from "../common/dom.js";

const region = byId("auto-refresh", HTMLElement);
const freshness = byId("freshness", HTMLElement);
const isFresh = freshness.textContent ?? "";

async function refresh() {
  try {
    const response = await fetch(location.href, { signal: AbortSignal.timeout(10_000) });
    if (response.redirected) {
      location.assign(response.url);
      return;
    }
    if (!response.ok) {
      throw new Error(response.statusText);
    }
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.getElementById("auto-refresh");
    if (!fresh) {
      throw new Error("not the page that was asked for");
    }
    keepFocus(() => morph(region, fresh));
    tell(isFresh);
  } catch {
    tell("The service cannot be reached; what you see is not fresh.");
  }
}

/**
 * What has the focus may be moved, which takes it away, or be gone: then its table gets it.
 * @param {() => void} change
 */
function keepFocus(change) {
  const focused = document.activeElement;
  const around = focused?.closest("[role=region]");
  change();
  if (document.activeElement !== focused) {
    const next = /** @type {HTMLElement | null} */ (focused?.isConnected ? focused : around);
    next?.focus({ preventScroll: true });
  }
}

/**
 * Make an element like a fresh one. Only what differs is touched.
 * @param {Element} element
 * @param {Element} fresh
 */
function morph(element, fresh) {
  morphAttributes(element, fresh);
  const left = [...element.childNodes];
  const pairs = [...fresh.childNodes].map((wanted) => {
    return { wanted, node: take(left, wanted) ?? wanted };
  });
  left.forEach((node) => node.remove());
  pairs.forEach(({ wanted, node }, n) => {
    if (element.childNodes[n] !== node) {
      element.insertBefore(node, element.childNodes[n] ?? null);
    }
    if (node instanceof Element && wanted instanceof Element && node !== wanted) {
      morph(node, wanted);
    } else if (node.nodeValue !== wanted.nodeValue) {
      node.nodeValue = wanted.nodeValue;
    }
  });
}

/**
 * @param {Element} element
 * @param {Element} fresh
 */
function morphAttributes(element, fresh) {
  for (const { name, value } of fresh.attributes) {
    if (element.getAttribute(name) !== value) {
      element.setAttribute(name, value);
    }
  }
  for (const { name } of [...element.attributes]) {
    if (!fresh.hasAttribute(name)) {
      element.removeAttribute(name);
    }
  }
}

/**
 * The first of the nodes that stands for the same thing, by its key if it has one.
 * @param {ChildNode[]} nodes
 * @param {ChildNode} wanted
 */
function take(nodes, wanted) {
  const index = nodes.findIndex(
    (node) => node.nodeName === wanted.nodeName && keyOf(node) === keyOf(wanted),
  );
  return index < 0 ? null : (nodes.splice(index, 1)[0] ?? null);
}

/** @param {ChildNode} node */
function keyOf(node) {
  return node instanceof Element ? node.getAttribute("data-key") : null;
}

/** @param {string} text */
function tell(text) {
  if (freshness.textContent !== text) {
    freshness.textContent = text;
  }
}

async function follow() {
  if (document.visibilityState === "visible") {
    await refresh();
  }
  schedule();
}

function schedule() {
  setTimeout(follow, Number(region.dataset.seconds) * 1000);
}

schedule();
