// What a label needs besides its reason. A part approved is a part refused: it needs what a refusal
// does.

export const pays = (label) => Boolean(label && "pays" in label.dataset);

export function needsOf(label, amount) {
  const { needs = "", needsInPart } = label?.dataset ?? {};
  const given = pays(label) && amount?.value.trim();
  const inPart = given && Number(given) !== Number(amount.dataset.all);
  return (inPart ? needsInPart : needs).split(" ").filter(Boolean);
}
