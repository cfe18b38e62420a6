// The SQL editor beyond its form: what only reads is asked without a lock, and queries are saved under a name.
import { call, say } from "./calls.js";

const READS = /^\s*(--[^\n]*\n\s*)*(select|values|explain|pragma)\b/i;

document.addEventListener("htmx:configRequest", (event) => {
  const button = event.detail.triggeringEvent?.submitter ?? event.detail.elt;
  if (button.dataset?.reads && READS.test(event.detail.parameters.get?.("query") ?? event.detail.parameters.query ?? "")) {
    event.detail.path = button.dataset.reads;
  }
});

document.addEventListener("click", async (event) => {
  const at = event.target instanceof Element ? event.target : null;
  const dismiss = at?.closest("[data-dismiss]");
  if (dismiss) dismiss.closest(dismiss.dataset.dismiss)?.remove();
  const copy = at?.closest("[data-copy]");
  if (copy) {
    await navigator.clipboard.writeText(copy.parentElement.querySelector("[data-copied]").innerText);
    say("Copied");
  }
  const more = at?.closest("[data-more-rows]");
  if (more) addRow(document.getElementById(more.dataset.moreRows));
  const save = at?.closest("[data-save]");
  if (!save) return;
  const name = save.form.querySelector("[data-save-name]");
  if (!name.value.trim()) {
    name.focus();
    return;
  }
  try {
    await call(save.dataset.save, { name: name.value.trim(), query: save.form.elements.query.value });
    say(`Saved as ${name.value.trim()}`);
  } catch (refusal) {
    say(refusal.message);
  }
});

// A row more in a list of records: a copy of the last, emptied, with the next number in its names.
function addRow(box) {
  const last = box.querySelector("tbody tr:last-child");
  const next = last.cloneNode(true);
  for (const input of next.querySelectorAll("input, select")) {
    input.name = input.name.replace(/\.(\d+)\./, (_, number) => `.${Number(number) + 1}.`);
    input.setAttribute("aria-label", input.getAttribute("aria-label").replace(/\d+$/, (number) => Number(number) + 1));
    if (input.type === "checkbox") input.checked = false;
    else if (input.tagName === "INPUT") input.value = "";
  }
  last.after(next);
  next.querySelector("input").focus();
}

function show(root) {
  for (const each of root.querySelectorAll("[data-save][hidden], [data-copy][hidden], [data-more-rows][hidden]")) each.hidden = false;
}

show(document);
document.addEventListener("htmx:afterSwap", () => show(document));
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.elt;
  if (event.detail.xhr?.status === 204 && form.matches?.("form.row-form:not([data-then])")) form.reset();
});

// What was kept in the state can be taken back for a while: the form says what was there before.
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.elt;
  if (event.detail.xhr?.status !== 204 || !form.dataset?.then) return;
  const { undo, undoKey, undoAt, then } = form.dataset;
  if (!undoAt) {
    leaveFor(then);
    return;
  }
  const wasThere = "undoThere" in form.dataset;
  leaveFor(then);
  const kept = form.elements.value.value;
  document.dispatchEvent(
    new CustomEvent("grove-said", {
      detail: {
        text: `${undoKey} kept`,
        action: {
          label: "Undo",
          do: () =>
            (wasThere
              ? call(undoAt, { key: undoKey, value: JSON.parse(undo), expect: parsed(kept) })
              : call(undoAt.replace(/state\.set$/, "state.delete"), { keys: [undoKey] })
            ).then(
              () => say(`${undoKey} is as it was`),
              (refusal) => say(refusal.message),
            ),
        },
      },
    }),
  );
});

async function leaveFor(address) {
  await htmx.ajax("GET", address, { target: "#tab", swap: "innerHTML show:none" });
  history.pushState({ htmx: true }, "", address);
}

// Whoever types a value means one: "null" beside it is no longer ticked.
document.addEventListener("input", (event) => {
  const box = event.target.closest?.(".field")?.querySelector(".null input");
  if (box && event.target !== box) box.checked = false;
});

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
