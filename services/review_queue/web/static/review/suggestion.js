// A reason code's text is where the reason starts, unless the reviewer has written something.

export class Suggestion {
  /** @param {HTMLTextAreaElement} reasoning */
  constructor(reasoning) {
    this.reasoning = reasoning;
  }

  /** @param {string} text */
  offer(text) {
    const { reasoning } = this;
    if (reasoning.value.trim() === "" || reasoning.value === reasoning.dataset.suggested) {
      reasoning.value = reasoning.dataset.suggested = text;
    }
  }

  // It goes with its code; what was changed stays.
  withdraw() {
    const { reasoning } = this;
    if (reasoning.dataset.suggested && reasoning.value === reasoning.dataset.suggested) {
      reasoning.value = "";
    }
    delete reasoning.dataset.suggested;
  }
}
