// Requests of scripts: with the token that forms have, and marked as htmx marks its own, so that a fragment comes back.
const headers = { ...JSON.parse(document.body.getAttribute("hx-headers") ?? "{}"), "HX-Request": "true" };

export async function ask(address, signal) {
  const answer = await fetch(address, { headers: { "HX-Request": "true" }, signal });
  if (answer.headers.has("HX-Redirect")) location.href = answer.headers.get("HX-Redirect"); // signed out meanwhile
  return { text: await answer.text(), ok: answer.ok };
}

export function send(address, fields) {
  return fetch(address, { method: "POST", headers, body: new URLSearchParams(fields) });
}
