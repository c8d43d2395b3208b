// What a reviewer opens on a case: rows and panels unfold, and what was opened is remembered as
// evidence that he looked.

export function watch(node) {
  const opened = new Set();
  node.addEventListener("click", (event) => {
    const { target } = event;
    const summary = target.closest("summary");
    const button = target.closest(".unfold");
    const link = target.closest("a[href^='#']");
    if (summary?.parentElement.dataset.panel && !summary.parentElement.open) {
      opened.add(summary.parentElement.dataset.panel); // it opens by itself
    } else if (button) {
      unfold(button, node, opened);
    } else if (link) {
      event.preventDefault();
      show(node.querySelector(link.getAttribute("href")), node, opened);
    }
  });
  return opened;
}

function unfold(button, node, opened) {
  const part = node.querySelector(`#${button.getAttribute("aria-controls")}`);
  part.hidden = !part.hidden;
  button.setAttribute("aria-expanded", String(!part.hidden));
  if (!part.hidden) {
    opened.add(part.dataset.panel);
  }
}

// Go to a part that a link names, and open it.
function show(part, node, opened) {
  const opener = part.querySelector("summary") ?? node.querySelector(`[aria-controls=${part.id}]`);
  if (part.hidden || part.open === false) {
    opener.click();
  }
  opener.focus();
  part.scrollIntoView({ block: "nearest" });
}
