// What a label needs besides its reason. A part approved is a part refused: it needs what a refusal
// does.

/**
 * @typedef {{dataset: DOMStringMap}} Label the input that chooses it
 * @typedef {{value: string, dataset: DOMStringMap}} Amount the field of the approved amount
 */

/** @param {Label | null} label */
export const pays = (label) => label !== null && "pays" in label.dataset;

/**
 * @param {Label | null} label
 * @param {Amount | null} amount
 * @returns {string[]}
 */
export function requirementsOf(label, amount) {
  const { needs = "", needsInPart = "" } = label?.dataset ?? {};
  const approved = pays(label) ? (amount?.value.trim() ?? "") : "";
  const inPart = approved !== "" && Number(approved) !== Number(amount?.dataset.all);
  return (inPart ? needsInPart : needs).split(" ").filter(Boolean);
}
