// Says for some seconds what was done: `grove-said` comes with an answer (HX-Trigger) or from a script, which may offer
// an action beside it, such as Undo.
const STAYS_MS = 5_000;
const WITH_ACTION_MS = 12_000;
const box = document.createElement("div");
box.className = "said";
box.setAttribute("role", "status");
document.body.append(box);
let timer = 0;

document.addEventListener("grove-said", (event) => {
  const { text, action } = event.detail;
  box.textContent = text;
  if (action) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = action.label;
    button.addEventListener("click", () => {
      hide();
      action.do();
    });
    box.append(" ", button);
  }
  box.toggleAttribute("data-shown", true);
  clearTimeout(timer);
  timer = setTimeout(hide, action ? WITH_ACTION_MS : STAYS_MS);
});

// What was refused before is no answer to what is asked now.
document.addEventListener("htmx:beforeRequest", (event) => {
  const { target } = event.detail;
  if (target?.matches?.(".macro-said, .row-refusal")) target.replaceChildren();
});

function hide() {
  box.removeAttribute("data-shown");
  box.querySelector("button")?.remove();
}
