// The dialog that asks why a case is skipped.

const dialog = document.getElementById("skip");
const form = dialog.querySelector("form");
const problem = form.querySelector(".problem");

// The reason, or null if the reviewer changed his mind.
export function askReason() {
  form.reset();
  problem.hidden = true;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => resolve(dialog.returnValue === "skip" ? reason() : null),
      { once: true },
    );
  });
}

function reason() {
  return form.elements.other.value.trim() || form.elements.reason.value;
}

form.addEventListener("submit", (event) => {
  if (!reason()) {
    event.preventDefault();
    problem.hidden = false;
    problem.textContent = "Say why, so that the case reaches the right person.";
  }
});

dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close(""));

dialog.addEventListener("keydown", (event) => {
  const choice = form.querySelectorAll("[name=reason]")[Number(event.key) - 1];
  if (choice && event.target.name !== "other") {
    choice.click();
    choice.focus();
    event.preventDefault();
  }
});
