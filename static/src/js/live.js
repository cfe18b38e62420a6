// The one socket of an object's page: it tells when the object changed, and who else looks at it. What shows the object
// has hx-trigger="object-changed from:body" and fetches itself; this file carries no content. "object-told" comes where
// something was told that changed nothing in the object itself, such as how far a task is.
const PAUSE_MS = [500, 20_000]; // before the first and the latest try to connect again
const ENDED = [4401, 4403, 4404];

const main = document.querySelector("[data-live]");
let seen = Number(main?.dataset.version); // the newest version that the page shows or asked for
let isWaiting = false; // something changed while nobody looked
let isUntold = false; // the same of what was told
let pause = PAUSE_MS[0];

document.addEventListener("object-changed", (event) => {
  seen = Math.max(seen, Number(event.detail?.version) || 0);
});

function changed(version) {
  if (version >= 0 && version <= seen) return;
  seen = Math.max(seen, version);
  if (document.hidden) isWaiting = true;
  else htmx.trigger(document.body, "object-changed", { version });
}

function told() {
  if (document.hidden) isUntold = true;
  else htmx.trigger(document.body, "object-told");
}

function showPeople(names) {
  const list = main.querySelector("[data-people]");
  list.hidden = !names.length;
  list.replaceChildren(
    ...names.map((name) => {
      const item = document.createElement("li");
      const badge = document.createElement("span");
      const said = document.createElement("span");
      badge.className = `badge hue-${hue(name)}`;
      badge.textContent = name.slice(0, 2).toUpperCase();
      badge.setAttribute("aria-hidden", "true");
      said.className = "unseen";
      said.textContent = name;
      item.title = name;
      item.append(badge, said);
      return item;
    }),
  );
}

function hue(name) {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 997;
  return sum % 6;
}

function connect() {
  const address = new URL(main.dataset.live, location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const socket = new WebSocket(address);
  socket.onmessage = ({ data }) => {
    const news = JSON.parse(data);
    pause = PAUSE_MS[0];
    if ("changed" in news) changed(news.changed);
    if (news.told || news.changed === -1) told();
    if ("people" in news) showPeople(news.people);
  };
  socket.onclose = ({ code }) => {
    showPeople([]);
    if (ENDED.includes(code)) {
      document.dispatchEvent(new CustomEvent("grove-said", { detail: { text: "Updates ended: load the page again." } }));
      return;
    }
    setTimeout(connect, pause * (0.5 + Math.random()));
    pause = Math.min(pause * 2, PAUSE_MS[1]);
  };
}

if (main) {
  connect();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    if (isUntold) htmx.trigger(document.body, "object-told");
    if (isWaiting) htmx.trigger(document.body, "object-changed", { version: seen });
    isWaiting = isUntold = false;
  });
}
