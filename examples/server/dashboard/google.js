// Signing in with Google without their script, which the content security policy keeps out: the page goes to Google and
// comes back with an ID token in the fragment (OpenID Connect, implicit flow). The server verifies the token.

import { ApiError } from "./api.js";
import { randomKey } from "./random.js";
import { t } from "./text.js";

const KEY = "neuropod.google";

/** Goes to Google. */
export function goToGoogle(clientId) {
  const [state, nonce] = [randomKey(), randomKey()];
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

/**
 * The ID token with which Google sent the page back, or null where it did not. Throws when this page did not ask for
 * it: somebody else may want to sign this person in.
 */
export function returnFromGoogle() {
  const answer = new URLSearchParams(location.hash.slice(1));
  const token = answer.get("id_token");
  // Whoever changes their mind at Google comes back with an error, and sees the sign-in page again.
  if (token || answer.get("error")) history.replaceState(null, "", location.pathname);
  if (!token) return null;
  const asked = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  sessionStorage.removeItem(KEY);
  if (asked && answer.get("state") === asked.state && nonceOf(token) === asked.nonce) return token;
  throw new ApiError(t("signIn.foreign"));
}

function nonceOf(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))).nonce;
  } catch {
    return null; // Not a token at all: the comparison fails.
  }
}
