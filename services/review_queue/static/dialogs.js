// Dialogs that ask for a reason or a text: choices by number, words of one's own, or both.

// What was said, or null if the reviewer changed his mind.
export function ask(id) {
  const dialog = document.getElementById(id);
  const form = dialog.querySelector("form");
  form.reset();
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
  return form.elements.words.value.trim() || (form.elements.choice?.value ?? "");
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
