// Light or dark: as the system has it, or as chosen here. The server reads the cookie; a page that
// the browser kept, or asked for while the choice was under way, reads it again when it is shown.

import { byId } from "./dom.js";

const root = document.documentElement;

addEventListener("pageshow", () => {
  const chosen = document.cookie.match(/(?:^|; )theme=(light|dark)/);
  if (chosen) {
    root.dataset.theme = chosen[1];
  }
});

function isDark() {
  const chosen = root.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

byId("theme", HTMLButtonElement).addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
});
