// Signing in with Google without their script, which the content security policy keeps out: the page goes to Google and
// comes back with an ID token in the fragment (OpenID Connect, implicit flow). The server verifies the token.

const KEY = "neuropod.google";

/** Goes to Google. */
export function goToGoogle(clientId) {
  const [state, nonce] = [crypto.randomUUID(), crypto.randomUUID()];
  sessionStorage.setItem(KEY, JSON.stringify({ state, nonce }));
  const query = new URLSearchParams({
    client_id: clientId,
    redirect_uri: `${location.origin}/`,
    response_type: "id_token",
    scope: "openid email profile",
    prompt: "select_account",
    state,
    nonce,
  });
  location.assign(`https://accounts.google.com/o/oauth2/v2/auth?${query}`);
}

/** The ID token with which Google sent the page back, or null. One that this page did not ask for is dropped. */
export function returnFromGoogle() {
  const answer = new URLSearchParams(location.hash.slice(1));
  const token = answer.get("id_token");
  if (!token) return null;
  history.replaceState(null, "", location.pathname);
  const asked = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  sessionStorage.removeItem(KEY);
  return asked && answer.get("state") === asked.state && nonceOf(token) === asked.nonce ? token : null;
}

function nonceOf(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))).nonce;
  } catch {
    return null; // Not a token at all: the comparison fails.
  }
}
