// What a reviewer opens on a case: rows and panels unfold, and what was opened is remembered as
// evidence that he looked.

// `before`: what he opened earlier; `changed` is called when something is added.
export function watch(node, before, changed) {
  const opened = new Set(before);
  const add = (panel) => {
    opened.add(panel);
    changed();
  };
  node.addEventListener("click", (event) => {
    const { target } = event;
    const summary = target.closest("summary");
    const button = target.closest(".unfold");
    const link = target.closest("a[href^='#']");
    if (summary?.parentElement.dataset.panel && !summary.parentElement.open) {
      add(summary.parentElement.dataset.panel); // it opens by itself
    } else if (button) {
      unfold(button, node, add);
    } else if (link) {
      event.preventDefault();
      show(node.querySelector(link.getAttribute("href")), node);
    }
  });
  return opened;
}

function unfold(button, node, add) {
  const part = node.querySelector(`#${button.getAttribute("aria-controls")}`);
  part.hidden = !part.hidden;
  button.setAttribute("aria-expanded", String(!part.hidden));
  if (!part.hidden) {
    add(part.dataset.panel);
  }
}

// Go to a part that a link names, and open it.
function show(part, node) {
  const opener = part.querySelector("summary") ?? node.querySelector(`[aria-controls=${part.id}]`);
  if (part.hidden || part.open === false) {
    opener.click();
  }
  opener.focus();
  part.scrollIntoView({ block: "nearest" });
}
