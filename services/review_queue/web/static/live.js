// A page that follows the queue: `#live` is fetched again as often as it says in `data-seconds`.
// Elements are changed in place, so that focus, selection and what is open stay where they are.

const live = document.getElementById("live");
const freshness = document.getElementById("freshness");
const calm = freshness.textContent;

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
    keepingFocus(() => become(live, page.getElementById("live")));
    say(calm);
  } catch {
    say("The service cannot be reached; what you see is not fresh.");
  }
}

// What has the focus may be moved, which takes it away, or be gone: then its table gets it.
function keepingFocus(act) {
  const focused = document.activeElement;
  const region = focused.closest("[role=region]");
  act();
  if (document.activeElement !== focused) {
    (focused.isConnected ? focused : region)?.focus({ preventScroll: true });
  }
}

// Only what differs is touched.
function become(now, fresh) {
  becomeAttributes(now, fresh);
  const after = [...fresh.childNodes];
  const left = [...now.childNodes];
  const wanted = after.map((node) => take(left, node) ?? node);
  left.forEach((node) => node.remove());
  wanted.forEach((node, n) => {
    if (now.childNodes[n] !== node) {
      now.insertBefore(node, now.childNodes[n] ?? null);
    }
    if (node.nodeType === Node.ELEMENT_NODE && node !== after[n]) {
      become(node, after[n]);
    } else if (node.nodeValue !== after[n].nodeValue) {
      node.nodeValue = after[n].nodeValue;
    }
  });
}

function becomeAttributes(now, fresh) {
  for (const { name, value } of fresh.attributes) {
    if (now.getAttribute(name) !== value) {
      now.setAttribute(name, value);
    }
  }
  for (const { name } of [...now.attributes]) {
    if (!fresh.hasAttribute(name)) {
      now.removeAttribute(name);
    }
  }
}

// The first of these that stands for the same thing, by its key if it has one.
function take(nodes, wanted) {
  const place = nodes.findIndex(
    (node) => node.nodeName === wanted.nodeName && node.dataset?.key === wanted.dataset?.key,
  );
  return place < 0 ? null : nodes.splice(place, 1)[0];
}

function say(text) {
  if (freshness.textContent !== text) {
    freshness.textContent = text;
  }
}

async function follow() {
  if (document.visibilityState === "visible") {
    await refresh();
  }
  setTimeout(follow, Number(live.dataset.seconds) * 1000);
}

setTimeout(follow, Number(live.dataset.seconds) * 1000);
