// Says for some seconds what was done: `grove-said` comes with an answer (HX-Trigger) or from a script.
const STAYS_MS = 5_000;
const box = document.createElement("div");
box.className = "said";
box.setAttribute("role", "status");
document.body.append(box);
let timer = 0;

document.addEventListener("grove-said", (event) => {
  box.textContent = event.detail.text;
  box.toggleAttribute("data-shown", true);
  clearTimeout(timer);
  timer = setTimeout(() => box.removeAttribute("data-shown"), STAYS_MS);
});
