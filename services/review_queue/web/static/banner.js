// What the reviewer must know at once stands above the case; what a screen reader should hear
// besides is said without being seen.

const banner = document.getElementById("banner");
const spoken = document.getElementById("spoken");

let now = "";

export function warn(text, label = "", act = null) {
  const wanted = text ? `${text} ${label}` : "";
  if (wanted === now) {
    return; // said already: a screen reader would say it again
  }
  now = wanted;
  banner.hidden = !text;
  banner.replaceChildren(text ? text[0].toUpperCase() + text.slice(1) : "");
  if (text && label) {
    const button = document.createElement("button");
    button.textContent = label;
    button.addEventListener("click", act);
    banner.append(button);
  }
}

export function announce(text) {
  spoken.textContent = text;
}
