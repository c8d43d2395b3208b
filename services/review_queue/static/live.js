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
    become(live, page.getElementById("live"));
    say(calm);
  } catch {
    say("The service cannot be reached; what you see is not fresh.");
  }
}

// Only what differs is touched: where the shape is the same, texts and attributes.
function become(now, fresh) {
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
  const before = [...now.childNodes];
  const after = [...fresh.childNodes];
  if (before.length !== after.length || before.some((node, n) => !alike(node, after[n]))) {
    now.replaceChildren(...after);
    return;
  }
  before.forEach((node, n) => {
    if (node.nodeType === Node.ELEMENT_NODE) {
      become(node, after[n]);
    } else if (node.nodeValue !== after[n].nodeValue) {
      node.nodeValue = after[n].nodeValue;
    }
  });
}

function alike(one, other) {
  return one.nodeName === other.nodeName;
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
