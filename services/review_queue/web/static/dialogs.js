// Dialogs that ask for a reason or a text: choices by number, words of one's own, or both.

// What was said about a case, or null if the reviewer changed his mind. Words that were written
// stay with the case until they are sent, whatever closes the dialog.
export function ask(id, held) {
  const dialog = document.getElementById(id);
  const form = dialog.querySelector("form");
  form.reset();
  form.elements.words.value = held.words[id] ?? "";
  form.oninput = ({ target }) => target.name === "words" && held.write(id, target.value);
  form.querySelector(".problem").hidden = true;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue ? said(form) : null), {
      once: true,
    });
  });
}

function said(form) {
  const { choice, words } = form.elements;
  return [choice?.value, words.value.trim()].filter(Boolean).join(": ");
}

function prepare(dialog) {
  const form = dialog.querySelector("form");
  form.addEventListener("submit", (event) => {
    if (!said(form)) {
      event.preventDefault();
      form.querySelector(".problem").hidden = false;
      (form.querySelector("[name=choice]") ?? form.elements.words).focus();
    }
  });
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close(""));
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.stopPropagation(); // once it is closed, the key would submit the decision
      form.requestSubmit(form.querySelector(".primary"));
    }
    const choice = form.querySelectorAll("[name=choice]")[Number(event.key) - 1];
    if (choice && event.target.name !== "words") {
      choice.click();
      choice.focus();
      event.preventDefault();
    }
  });
}

document.querySelectorAll("dialog[data-asks]").forEach(prepare);
