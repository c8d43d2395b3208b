// What the review page shows: a case, or that there is none and why.

const main = document.getElementById("main");

export function showCase(held) {
  main.replaceChildren(held.node);
  scrollTo({ top: 0 });
  held.node.querySelector("h1").focus({ preventScroll: true });
}

export function show(name) {
  if (main.firstElementChild?.dataset.name === name) {
    return; // it may have the focus
  }
  const node = document.getElementById(name).content.firstElementChild.cloneNode(true);
  node.dataset.name = name;
  main.replaceChildren(node);
  node.querySelector("h1")?.focus();
}

// Nothing is known of the next case yet. That there was none stands until there is one.
export function showLoading() {
  if (!["empty", "refused"].includes(main.firstElementChild?.dataset.name)) {
    show("loading");
  }
}
