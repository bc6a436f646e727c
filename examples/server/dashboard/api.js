import { language, t } from "./text.js";
import * as session from "./session.js";

// The contract's limits on the server are 5 and 30 seconds; a little more, so that its own answer comes first.
const READ_TIMEOUT = 10_000;
const WRITE_TIMEOUT = 35_000;

/** The failure of a call; `message` is its text for people. */
export class ApiError extends Error {
  constructor(message, { status = 0, code = "", fields = [], errors = [], cause } = {}) {
    super(message, { cause });
    /** The HTTP status; 0 when no answer came. */
    this.status = status;
    /** The server's stable name for it. */
    this.code = code;
    /** What is wrong with single fields: `{field, code, message}`. */
    this.fields = fields;
    /** The texts of a failed validation. */
    this.errors = errors;
  }

  /** Whether it is unknown if the server did what was asked. */
  get isUncertain() {
    return this.status === 0 || this.status >= 500;
  }
}

/** That a field of a form can't even be sent. */
export function wrongField(field, message) {
  return new ApiError(message, { fields: [{ field, message }] });
}

/** Sends a request and returns the JSON of the reply. */
async function call(method, path, { query, body, headers, signal } = {}) {
  const limit = AbortSignal.timeout(method === "GET" ? READ_TIMEOUT : WRITE_TIMEOUT);
  const response = await send(method, path, {
    query,
    body,
    headers,
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
  });
  try {
    return await response.json();
  } catch (cause) {
    throw new ApiError(t("error.answer"), { status: response.status, cause });
  }
}

async function send(method, path, { query, body, headers, signal }) {
  const token = session.token();
  const parameters = new URLSearchParams(Object.entries(query ?? {}).filter(([, value]) => value));
  const url = parameters.size > 0 ? `${path}?${parameters}` : path;
  let response;
  try {
    response = await fetch(url, {
      method,
      signal,
      cache: "no-store",
      body: body === undefined ? undefined : JSON.stringify(body),
      headers: {
        "Accept-Language": language(),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
        ...headers,
      },
    });
  } catch (cause) {
    if (cause.name === "AbortError") throw cause;
    throw new ApiError(t(cause.name === "TimeoutError" ? "error.timeout" : "error.network"), { cause });
  }
  if (response.ok) return response;
  if (response.status === 401 && token && token === session.token()) session.end("expired");
  throw await refusal(response);
}

async function refusal(response) {
  const { status } = response;
  const answer = await response.json().catch(() => ({}));
  const wait = Number(response.headers.get("Retry-After"));
  const said = answer.message ?? answer.errors?.join("; ") ?? t("error.status", { status });
  const message = status === 429 && wait > 0 ? `${said} ${t("error.wait", { count: wait })}` : said;
  return new ApiError(message, { status, code: answer.code, fields: answer.fields, errors: answer.errors });
}

const pod = (id) => `/api/pods/${encodeURIComponent(id)}`;
const data = async (answer) => (await answer).data;

/** What the server is and how one signs in to it. */
export const getConfig = () => data(call("GET", "/api/config"));
/** Signs in with a Google ID token: `{token, user}`. */
export const signInWithGoogle = (token) => call("POST", "/api/auth/google", { body: { token } });
/** Signs in by e-mail address alone, where the server was started for development: `{token, user}`. */
export const signInForDevelopment = (email) => call("POST", "/api/auth/mock-login", { body: { email } });
/** Who is signed in. */
export const getMe = async () => (await call("GET", "/api/auth/me")).user;
/** Revokes the token. */
export const signOut = () => call("POST", "/api/auth/logout");

/** The pods of the caller, or, for administrators, of the user with this e-mail address. */
export const listPods = (userEmail) => data(call("GET", "/api/pods", { query: { userEmail } }));
/** Creates a pod; the same key does it once, however often it is sent. */
export const createPod = (body, key) => data(call("POST", "/api/pods", { body, headers: { "Idempotency-Key": key } }));
/** `start`, `stop` or `restart`. */
export const changePod = (id, verb) => call("POST", `${pod(id)}/${verb}`);
/** Deletes a pod and keeps or deletes its volume. */
export const deletePod = (id, volume) => call("DELETE", `${pod(id)}?volume=${volume}`);
/** The links of a pod. */
export const getConnections = (id) => data(call("GET", `${pod(id)}/connections`));
/** The end of a pod's log as text. */
export const getLogs = async (id, query, signal) =>
  (await data(call("GET", `${pod(id)}/logs`, { query, signal }))).logs;

/** The log of a pod from now on, once the server has begun with it: chunk by chunk, until it ends or the signal says so. */
export async function followLogs(id, tail, signal) {
  const response = await send("GET", `${pod(id)}/logs`, { query: { follow: "true", tail }, signal });
  return texts(response.body);
}

async function* texts(stream) {
  const decoder = new TextDecoder();
  for await (const bytes of chunks(stream)) {
    const text = decoder.decode(bytes, { stream: true });
    if (text) yield text;
  }
}

// Safari can't iterate over a stream.
async function* chunks(stream) {
  const reader = stream.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
  } finally {
    reader.cancel().catch(() => {}); // It has ended, or is aborted already.
  }
}

/** GPU types, prices and limits. */
export const getPricing = () => data(call("GET", "/api/pricing"));
/** Changes a part of the price list. */
export const updatePricing = (body) => data(call("PUT", "/api/pricing", { body }));
/** Goes back to the configured price list. */
export const resetPricing = () => data(call("POST", "/api/pricing/reset"));
/** What a pod would cost. */
export const quote = (body, signal) => data(call("POST", "/api/pricing/calculate-cost", { body, signal }));
/** A page of the pods of everybody, for administrators. */
export const listAllPods = (query) => data(call("GET", "/api/admin/pods", { query }));
/** A page of what administrators did, for administrators. */
export const getAudit = (query) => data(call("GET", "/api/admin/audit", { query }));
/** The GPUs of the cluster, and who has them. */
export const getInventory = () => data(call("GET", "/api/inventory"));

/** All templates. */
export const listTemplates = () => call("GET", "/api/templates");
/** Makes a template, or changes the one with this id. */
export const saveTemplate = (id, body) =>
  id ? call("PUT", `/api/templates/${encodeURIComponent(id)}`, { body }) : call("POST", "/api/templates", { body });
/** Deletes a template. */
export const deleteTemplate = (id) => call("DELETE", `/api/templates/${encodeURIComponent(id)}`);

/** The balance of the caller. */
export const getBalance = () => data(call("GET", "/api/account/balance"));
/** What happened in the account of the caller, or, for administrators, of a user, by day (UTC) and pod. */
export const getStatement = (query) => data(call("GET", "/api/account/statement", { query }));

/** All of the same, entry by entry, as a CSV file. */
export async function getStatementCsv(query, signal) {
  const response = await send("GET", "/api/account/statement.csv", { query, signal });
  try {
    return await response.blob();
  } catch (cause) {
    // The connection broke off.
    throw new ApiError(t("statement.broken"), { cause });
  }
}

/** All users, or those whose name or e-mail address has this in it. */
export const listUsers = (search) => data(call("GET", "/api/auth/users", { query: { search } }));
/** Sets a balance. */
export const setBalance = (userId, balance) => call("POST", "/api/auth/users/balance", { body: { userId, balance } });
/** Adds money, with a note that its owner sees; the same key does it once, however often it is sent. */
export const addCredit = (userId, amount, note, key) =>
  call("POST", `/api/admin/users/${encodeURIComponent(userId)}/credit`, {
    body: { amount, note },
    headers: { "Idempotency-Key": key },
  });
/** Sets what a user may spend on a day; null: what the platform says. */
export const setDailyCap = (userId, dailyCap) =>
  call("POST", "/api/auth/users/daily-cap", { body: { userId, dailyCap } });
/** Suspends a user, or takes that back. */
export const suspendUser = (userId, suspended) =>
  call("POST", "/api/auth/users/suspend", { body: { userId, suspended } });
/** Deletes a user and everything they own. */
export const deleteUser = (userId) => call("DELETE", `/api/auth/users/${encodeURIComponent(userId)}`);
