// Passkeys (WebAuthn): asks the browser for what a form needs, and sends the form with it.
const decode = (text) => Uint8Array.from(
  atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const encode = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
  .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const named = (credentials = []) => credentials.map((one) => ({ ...one, id: decode(one.id) }));

function creation({ publicKey }) {
  return {
    ...publicKey,
    challenge: decode(publicKey.challenge),
    user: { ...publicKey.user, id: decode(publicKey.user.id) },
    excludeCredentials: named(publicKey.excludeCredentials),
  };
}

function request({ publicKey }) {
  return {
    ...publicKey,
    challenge: decode(publicKey.challenge),
    allowCredentials: named(publicKey.allowCredentials),
  };
}

function answer(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = encode(credential.response[name]);
  }
  return JSON.stringify({
    id: credential.id,
    rawId: encode(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? null,
    clientExtensionResults: credential.getClientExtensionResults(),
    response,
  });
}

async function options(form) {
  const { passkeyCreate, passkeyGet, passkeySignIn } = form.dataset;
  if (passkeyCreate) return { publicKey: creation(JSON.parse(passkeyCreate)) };
  if (passkeyGet) return { publicKey: request(JSON.parse(passkeyGet)) };
  const found = await fetch(passkeySignIn, { headers: { Accept: "application/json" } });
  return { publicKey: request(await found.json()) };
}

async function fill(event) {
  const form = event.currentTarget;
  event.preventDefault();
  const problem = form.querySelector("[data-passkey-error]");
  problem.hidden = true;
  try {
    const method = form.dataset.passkeyCreate ? "create" : "get";
    const credential = await navigator.credentials[method](await options(form));
    form.elements.credential.value = answer(credential);
    form.submit();
  } catch {
    problem.hidden = false;
  }
}

if (window.PublicKeyCredential) {
  document.querySelectorAll("[data-passkey-create], [data-passkey-get], [data-passkey-sign-in]")
    .forEach((form) => {
      form.hidden = false;
      form.addEventListener("submit", fill);
    });
}
