// Tabs of an object's page: which is chosen shows at once, and the terminal goes on while another tab is looked at.
const shelf = document.createElement("div"); // holds Overview meanwhile, so that its terminal stays connected
shelf.hidden = true;

function overviewOf(tab) {
  return tab?.querySelector(":scope > .tab-overview");
}

// On a narrow screen the row is longer than the page: the chosen one is in sight.
function showChosen() {
  document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

showChosen();
document.addEventListener("htmx:oobAfterSwap", showChosen);
document.addEventListener("htmx:beforeRequest", (event) => {
  const link = event.detail.elt;
  if (!link.matches?.(".tabs a")) return;
  for (const each of link.parentElement.children) each.toggleAttribute("data-waits", each === link);
  const kept = link.id === "to-overview" && shelf.firstElementChild;
  if (!kept || kept.dataset.at !== link.pathname) return;
  event.preventDefault();
  document.getElementById("tab").replaceChildren(kept);
  for (const each of link.parentElement.children) {
    each.removeAttribute("data-waits");
    if (each === link) each.setAttribute("aria-current", "page");
    else each.removeAttribute("aria-current");
  }
  history.pushState({ htmx: true }, "", link.href);
  document.title = kept.dataset.title;
  htmx.trigger(document.body, "object-changed");
});

document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, shouldSwap } = event.detail;
  const overview = shouldSwap && target.id === "tab" && overviewOf(target);
  if (!overview) return;
  overview.dataset.at = document.getElementById("to-overview").pathname;
  overview.dataset.title = document.title;
  document.body.append(shelf);
  shelf.replaceChildren(overview);
});
