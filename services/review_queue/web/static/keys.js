// One handler for all keys. Keys never act while somebody writes or a dialog is open; who works by
// voice, or hits keys unawares, switches the single ones off.

const OFF = "letters=off";
const letters = document.getElementById("letters");

letters.checked = !document.cookie.includes(OFF);
letters.addEventListener("change", follow);
follow();

function follow() {
  document.documentElement.dataset.letters = letters.checked ? "on" : "off";
  document.cookie = `${letters.checked ? "letters=on" : OFF}; path=/; max-age=31536000; samesite=lax`;
}

export function listen(keys, fallback) {
  document.addEventListener("keydown", (event) => {
    const writing = event.target.matches("textarea, select, input:not([type=radio])");
    const command = event.ctrlKey || event.metaKey;
    if (event.key === "Enter" && event.repeat && (command || !event.target.matches("textarea"))) {
      event.preventDefault(); // nor does it press what has the focus
      return;
    }
    if (event.key === "Enter" && command) {
      if (!document.querySelector("dialog[open]")) {
        document.querySelector("form.decide")?.requestSubmit();
      }
      return;
    }
    if (event.key === "Escape" && writing) {
      event.target.blur();
      return;
    }
    if (writing || command || event.altKey || event.defaultPrevented) {
      return;
    }
    if (document.querySelector("dialog[open]")) {
      return;
    }
    if (event.key.length === 1 && !letters.checked) {
      return;
    }
    const act = keys[event.key.toLowerCase()];
    if (event.repeat && (act || event.key.length === 1)) {
      return; // a key that is held down acts once
    }
    if (act ? act(event) !== false : fallback(event)) {
      event.preventDefault();
    }
  });
}
