// A list to choose from by mouse, arrows, number or typing. Once something is chosen, only that
// stays; one list is open at a time, and its choices carry numbers.

import { find, findAll, origin } from "../common/dom.js";

/**
 * @typedef {object} Handlers
 * @property {(picker: Picker) => void} onOpen
 * @property {(picker: Picker) => void} onChoose
 */

export class Picker {
  #byArrow = false;

  /**
   * @param {HTMLElement} root
   * @param {Handlers} handlers
   */
  constructor(root, { onOpen, onChoose }) {
    this.root = root;
    this.filter = find(root, ".filter", HTMLInputElement);
    this.rows = findAll(root, ".code", HTMLElement);
    this.onOpen = onOpen;
    this.onChoose = onChoose;
    find(root, ".change", HTMLButtonElement).addEventListener("click", () => this.ask());
    this.filter.addEventListener("input", () => this.#match());
    this.filter.addEventListener("keydown", (event) => this.#type(event));
    root.addEventListener("keydown", (event) => (this.#byArrow = event.key.startsWith("Arrow")));
    root.addEventListener("change", (event) => {
      if (origin(event).matches("[type=radio]")) {
        this.#settle();
      }
    });
    root.addEventListener("focusout", ({ relatedTarget }) => {
      if (this.choice && !root.contains(/** @type {Node | null} */ (relatedTarget))) {
        this.close();
      }
    });
  }

  get isShown() {
    return !this.root.hidden;
  }

  get isOpen() {
    return this.root.classList.contains("open");
  }

  /** @returns {HTMLInputElement | null} */
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
    find(this.root, ".act", HTMLElement).textContent = this.choice ? "Change" : "Choose";
    this.filter.value = "";
    this.#match();
  }

  clear() {
    this.rows.forEach((row) => (inputOf(row).checked = false));
    this.close();
  }

  /**
   * Choose by number. True if there is such a row.
   * @param {number} number
   */
  press(number) {
    const row = this.#visible[number - 1];
    if (row) {
      this.choose(inputOf(row));
    }
    return Boolean(row);
  }

  /** @param {HTMLInputElement} input */
  choose(input) {
    this.#byArrow = false;
    input.checked = true;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    input.focus();
  }

  #settle() {
    if (!this.#byArrow) {
      this.close();
    }
    this.onChoose(this);
  }

  #match() {
    const words = this.filter.value.toLowerCase().split(/\s+/);
    for (const row of this.rows) {
      const text = (row.textContent ?? "").toLowerCase();
      row.hidden = this.isOpen && !words.every((word) => text.includes(word));
    }
    const visible = this.#visible;
    for (const row of this.rows) {
      const number = visible.indexOf(row) + 1;
      const key = find(row, "kbd", HTMLElement);
      key.hidden = !this.isOpen || number < 1 || number > 9;
      key.textContent = String(number);
    }
    find(this.root, ".no-match", HTMLElement).hidden = visible.length > 0;
  }

  /** @param {KeyboardEvent} event */
  #type(event) {
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      this.press(1);
    } else if (event.key === "Escape") {
      this.filter.value = "";
      this.#match();
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      const first = this.#visible[0];
      if (first) {
        inputOf(first).focus();
      }
    } else if (/^[1-9]$/.test(event.key) && this.filter.value === "") {
      if (this.press(Number(event.key))) {
        event.preventDefault();
      }
    }
  }
}

/** @param {HTMLElement} row */
function inputOf(row) {
  return find(row, "input", HTMLInputElement);
}
