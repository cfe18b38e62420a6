// Forms that a passkey answers: data-passkey says whether one is made ("create") or asked for ("get"). What the browser
// is asked is in data-passkey-options, or comes from the address in data-passkey-from.
const REFUSED = "No passkey was given. Try again, or go another way.";
const NOT_HERE = "Passkeys work on a site with a name over HTTPS, or on localhost; not on an address of numbers.";
const supported = typeof window.PublicKeyCredential?.parseRequestOptionsFromJSON === "function";

async function optionsOf(form) {
  if (form.dataset.passkeyOptions) return JSON.parse(form.dataset.passkeyOptions).publicKey;
  const answer = await fetch(form.dataset.passkeyFrom, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(answer.status === 429 ? "Too many attempts: wait a minute." : "The site does not answer.");
  return (await answer.json()).request_options.publicKey;
}

async function credentialFor(form) {
  const options = await optionsOf(form);
  if (form.dataset.passkey === "get") {
    return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  }
  const alone = form.elements.passwordless?.checked ?? "passkeyAlone" in form.dataset;
  options.authenticatorSelection = {
    ...options.authenticatorSelection,
    residentKey: alone ? "required" : "discouraged",
    requireResidentKey: alone,
    userVerification: alone ? "required" : "preferred",
  };
  return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
}

function tell(form, text) {
  const place = (form.closest("section") ?? form).querySelector("[data-passkey-problem]");
  if (!place) return;
  place.textContent = text;
  place.hidden = false;
}

async function answer(form) {
  try {
    const credential = await credentialFor(form);
    form.elements.credential.value = JSON.stringify(credential.toJSON());
    form.submit(); // does not fire "submit" again
  } catch (error) {
    tell(form, { NotAllowedError: REFUSED, SecurityError: NOT_HERE }[error.name] ?? error.message);
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!supported) {
    tell(form, "This browser is too old for passkeys.");
    continue;
  }
  form.querySelector("button[type=submit]").disabled = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    answer(form);
  });
}
