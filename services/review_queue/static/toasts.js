// What was submitted and can still be undone, each with the seconds that are left for it.

const holder = document.getElementById("toasts");
const model = document.getElementById("toast");
const open = [];

export function offerUndo(held, label, seconds, undo) {
  const toast = model.content.firstElementChild.cloneNode(true);
  toast.querySelector(".what").textContent = label;
  toast.querySelector(".which").textContent = held.title;
  const entry = { toast, undo, ends: performance.now() + seconds * 1000 };
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
  if (left <= 0 || !open.includes(entry)) {
    close(entry);
    return;
  }
  entry.toast.querySelector(".seconds").textContent = `${left} s`;
  setTimeout(() => tick(entry), 250);
}

function take(entry) {
  close(entry);
  entry.undo();
}

function close(entry) {
  const place = open.indexOf(entry);
  if (place >= 0) {
    open.splice(place, 1);
  }
  entry.toast.remove();
}
