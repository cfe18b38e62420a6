// "/" goes to the search box of the page, or of the tree beside it; never while somebody types.
export function isTyping() {
  const at = document.activeElement;
  return at instanceof HTMLElement && (at.isContentEditable || /^(input|textarea|select)$/i.test(at.tagName)) && at.type !== "checkbox";
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping()) return;
  const box = document.querySelector("[data-slash-first]") ?? document.querySelector("[data-slash]");
  if (!box) return;
  event.preventDefault();
  const side = box.closest("[popover]");
  if (side && box.offsetParent === null) side.showPopover();
  box.focus();
  box.select();
});
