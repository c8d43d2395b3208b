// A list to choose from by mouse, arrows, number or typing. Once something is chosen, only that
// stays; one list is open at a time, and its choices carry numbers.

export class Picker {
  constructor(root, { onOpen, onChoose }) {
    this.root = root;
    this.filter = root.querySelector(".filter");
    this.rows = [...root.querySelectorAll(".code")];
    this.onOpen = onOpen;
    this.onChoose = onChoose;
    this.byArrow = false;
    root.querySelector(".change").addEventListener("click", () => this.ask());
    this.filter.addEventListener("input", () => this.#match());
    this.filter.addEventListener("keydown", (event) => this.#typed(event));
    root.addEventListener("keydown", (event) => (this.byArrow = event.key.startsWith("Arrow")));
    root.addEventListener("change", (event) => event.target.type === "radio" && this.#chosen());
    root.addEventListener("focusout", (event) => {
      if (this.choice && !root.contains(event.relatedTarget)) {
        this.close();
      }
    });
  }

  get shown() {
    return !this.root.hidden;
  }

  get isOpen() {
    return this.root.classList.contains("open");
  }

  get choice() {
    return this.root.querySelector("[type=radio]:checked");
  }

  get #visible() {
    return this.rows.filter((row) => !row.hidden);
  }

  open() {
    this.onOpen(this);
    this.filter.value = "";
    this.root.classList.add("open");
    this.#match();
  }

  // Open, and let somebody type.
  ask() {
    this.open();
    this.filter.focus();
  }

  close() {
    this.root.classList.remove("open");
    this.root.querySelector(".act").textContent = this.choice ? "Change" : "Choose";
    this.filter.value = "";
    this.#match();
  }

  clear() {
    this.rows.forEach((row) => (row.querySelector("input").checked = false));
    this.close();
  }

  // Choose by number. True if there is such a row.
  press(number) {
    const row = this.#visible[number - 1];
    if (row) {
      this.choose(row.querySelector("input"));
    }
    return Boolean(row);
  }

  choose(input) {
    this.byArrow = false;
    input.checked = true;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    input.focus();
  }

  #chosen() {
    if (!this.byArrow) {
      this.close();
    }
    this.onChoose(this);
  }

  #match() {
    const words = this.filter.value.toLowerCase().split(/\s+/);
    for (const row of this.rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = this.isOpen && !words.every((word) => text.includes(word));
    }
    const visible = this.#visible;
    for (const row of this.rows) {
      const number = visible.indexOf(row) + 1;
      const key = row.querySelector("kbd");
      key.hidden = !this.isOpen || number < 1 || number > 9;
      key.textContent = number;
    }
    this.root.querySelector(".no-match").hidden = visible.length > 0;
  }

  #typed(event) {
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      this.press(1);
    } else if (event.key === "Escape") {
      this.filter.value = "";
      this.#match();
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      this.#visible[0]?.querySelector("input").focus();
    } else if (/^[1-9]$/.test(event.key) && this.filter.value === "" && this.press(event.key)) {
      event.preventDefault();
    }
  }
}
