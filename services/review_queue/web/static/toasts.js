// What was submitted and can still be undone, each with the seconds that are left for it.

const holder = document.getElementById("toasts");
const model = document.getElementById("toast");
const open = [];

// `undo` says whether there was an answer; without one, the offer stands.
export function offerUndo(held, label, seconds, undo) {
  const toast = model.content.firstElementChild.cloneNode(true);
  toast.querySelector(".what").textContent = label;
  toast.querySelector(".which").textContent = held.title;
  const entry = { toast, undo, asked: false, ends: performance.now() + seconds * 1000 };
  toast.querySelector(".undo").addEventListener("click", () => take(entry));
  open.push(entry);
  holder.append(toast);
  const shrink = [{ transform: "scaleX(1)" }, { transform: "scaleX(0)" }];
  toast.querySelector(".countdown").animate(shrink, { duration: seconds * 1000, fill: "forwards" });
  tick(entry);
}

export function undoLast() {
  const last = open.at(-1);
  if (last) {
    take(last);
  }
}

function tick(entry) {
  const left = Math.ceil((entry.ends - performance.now()) / 1000);
  if (!open.includes(entry) || (left <= 0 && !entry.asked)) {
    close(entry);
    return;
  }
  entry.toast.querySelector(".seconds").textContent = `${Math.max(left, 0)} s`;
  setTimeout(() => tick(entry), 250);
}

async function take(entry) {
  if (entry.asked) {
    return;
  }
  entry.asked = true;
  const answered = await entry.undo().finally(() => (entry.asked = false));
  if (answered) {
    close(entry);
  }
}

function close(entry) {
  const place = open.indexOf(entry);
  if (place >= 0) {
    open.splice(place, 1);
  }
  entry.toast.remove();
}
