// The overview follows the queue: its numbers are fetched again every few seconds.

const EVERY_MS = 5_000;
const overview = document.getElementById("overview");
const freshness = document.getElementById("freshness");
const calm = freshness.textContent;

async function refresh() {
  try {
    const response = await fetch("/queue", { signal: AbortSignal.timeout(10_000) });
    if (response.redirected) {
      location.assign(response.url);
      return;
    }
    if (!response.ok) {
      throw new Error(response.statusText);
    }
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    overview.replaceChildren(...page.getElementById("overview").children);
    say(calm);
  } catch {
    say("The service cannot be reached; these numbers are not fresh.");
  }
}

function say(text) {
  if (freshness.textContent !== text) {
    freshness.textContent = text;
  }
}

setInterval(() => document.visibilityState === "visible" && refresh(), EVERY_MS);
