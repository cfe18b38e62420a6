// hx-swap="morph:outerHTML": what the server sent is merged into what is there, so that scroll, focus, open folds and
// what somebody types stay. A `.call` (a form and what came of it) and what has data-keep are left as they are.
import { Idiomorph } from "idiomorph";

const KEPT = "[data-keep], [data-terminal]";

// A button that has become another, such as Pause that is Resume now, is no form that somebody fills in; nor is it one
// where a form takes its place.
function isOther(old, fresh) {
  const isButton = old.matches(".button-call");
  return isButton !== fresh.matches(".button-call") || (isButton && named(old) !== named(fresh));
}

function named(form) {
  const told = [...form.querySelectorAll("input[type=hidden]")].filter((input) => !/^(_|csrf)/.test(input.name));
  return [form.getAttribute("action"), ...told.map((input) => `${input.name}=${input.getAttribute("value")}`)].join("&");
}

const callbacks = {
  beforeNodeMorphed: (old, fresh) => {
    if (!(old instanceof Element)) return true;
    if (old.matches(KEPT)) return false;
    if (old.matches(".call") && fresh instanceof Element && fresh.matches(".call")) return isOther(old, fresh);
    // Written by moments.js: the same moment needs no second writing.
    return !(old.localName === "time" && old.dateTime === fresh.dateTime);
  },
  beforeAttributeUpdated: (name, element) => !(name === "open" && /^(details|dialog)$/.test(element.localName)),
};

// htmx would carry style attributes over from what was there, for CSS transitions: the policy refuses them.
htmx.config.attributesToSettle = ["class", "width", "height"];

htmx.defineExtension("morph", {
  isInlineSwap: (style) => style === "morph:outerHTML",
  handleSwap: (style, target, fragment) => {
    if (style !== "morph:outerHTML") return false;
    return Idiomorph.morph(target, fragment.children, { morphStyle: "outerHTML", ignoreActiveValue: true, callbacks });
  },
});

// htmx looks for extensions where the asker stands: from one that is gone by now it would be an ordinary swap, of a part
// into itself. Whatever took the asker away is newer than this answer.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const asker = detail.requestConfig.elt;
  if (!asker.isConnected && asker.getAttribute("hx-swap") === "morph:outerHTML") detail.shouldSwap = false;
});
