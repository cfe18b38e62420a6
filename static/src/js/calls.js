// Calls a command from a script: as the person who is signed in, with the token that the page has for its forms.
export class Refusal extends Error {
  constructor(status, problem) {
    super(problem.detail ?? "It did not work. Try again.");
    this.status = status;
    this.problem = problem;
  }
}

export function token() {
  return JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"] ?? "";
}

// Gives {value, version}, tells the page that the object changed, or throws a Refusal.
export async function call(address, values, { confirm = false } = {}) {
  const response = await fetch(address + (confirm ? "?confirm=yes" : ""), {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": token() },
    body: JSON.stringify(values),
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refusal(response.status, answer);
  htmx.trigger(document.body, "object-changed", { version: answer.version });
  return answer;
}

export function say(text) {
  document.dispatchEvent(new CustomEvent("grove-said", { detail: { text } }));
}
