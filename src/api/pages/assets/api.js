// Speaking to the service: the token, requests, and failures as people can read them.

const KEY = 'likeness.token';

/** The token is kept for this tab and forgotten with it. */
export const session = {
  get token() { return sessionStorage.getItem(KEY); },
  set token(token) { sessionStorage.setItem(KEY, token); },
  end() { sessionStorage.removeItem(KEY); },
  get claims() { return this.token && claimsOf(this.token); },
  has(scope) { return (this.claims?.scope ?? '').split(' ').includes(scope); },
};

/** What a token says of itself, for show: whether it is true is for the service to say. Null where it is no token. */
export function claimsOf(token) {
  const parts = token.split('.');
  if (parts.length !== 3) return null;
  try {
    const text = atob(parts[1].replace(/-/g, '+').replace(/_/g, '/'));
    const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes));
    return claims !== null && typeof claims === 'object' ? claims : null;
  } catch {
    return null;
  }
}

/** A failure as RFC 9457 tells it, or none where the service could not be reached. */
export class Problem extends Error {
  constructor(status, body, requestId) {
    super(body.title ?? 'The service does not answer');
    this.status = status;
    this.code = body.code ?? null;
    this.detail = body.detail ?? null;
    this.fields = body.fields ?? [];
    this.duplicates = body.duplicate_of ?? [];
    this.requestId = body.request_id ?? requestId;
    this.retryAfter = null;
  }

  /** What is wrong with each field. */
  get faults() {
    return this.fields.map((fault) => `${fault.field}: ${fault.message ?? fault.code}`);
  }

  static unreachable() {
    return new Problem(0, { title: 'The service does not answer', detail: 'Check the connection and try again.' }, null);
  }
}

/** A key for a request that makes something: sent twice, it still makes one. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Why a transfer broke off: it was given up here, or the service is out of reach. */
function brokenOff(signal) {
  return signal?.aborted ? signal.reason : Problem.unreachable();
}

async function fetched(path, options, mayRepeat) {
  try {
    return await fetch(path, options);
  } catch {
    if (options.signal?.aborted || !mayRepeat) throw brokenOff(options.signal);
  }
  await new Promise((wait) => setTimeout(wait, 800));
  return fetched(path, options, false);
}

/** Calls an operation and gives its answer; throws a `Problem` where it fails. */
export async function call(method, path, { json, form, signal, key } = {}) {
  const headers = { Authorization: `Bearer ${session.token}`, Accept: 'application/json' };
  if (json !== undefined) headers['Content-Type'] = 'application/json';
  if (key) headers['Idempotency-Key'] = key;
  const body = json === undefined ? form : JSON.stringify(json);
  const options = { method, headers, body, signal, cache: 'no-store', credentials: 'omit', redirect: 'error' };
  const response = await fetched(`v1/${path}`, options, method === 'GET' || Boolean(key));
  return { body: await read(response, signal), requestId: response.headers.get('x-request-id') };
}

async function read(response, signal) {
  const text = await response.text().catch(() => { throw brokenOff(signal); });
  let body = {};
  try {
    body = text ? JSON.parse(text) : {};
  } catch {
    body = { title: `The service answered with status ${response.status}` };
  }
  if (response.ok) return body;
  throw failure(response.status, body, (name) => response.headers.get(name));
}

function failure(status, body, header) {
  const problem = new Problem(status, body, header('x-request-id'));
  problem.retryAfter = header('retry-after');
  if (status === 401) document.dispatchEvent(new CustomEvent('signed-out', { detail: problem }));
  return problem;
}

/** Posts a form and tells how much of it has left; `fetch` cannot. */
export function upload(path, form, key, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', `v1/${path}`);
    request.setRequestHeader('Authorization', `Bearer ${session.token}`);
    request.setRequestHeader('Idempotency-Key', key);
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onerror = () => reject(Problem.unreachable());
    request.onload = () => {
      let body = {};
      try { body = JSON.parse(request.responseText); } catch { /* an answer without words */ }
      if (request.status >= 200 && request.status < 300) resolve(body);
      else reject(failure(request.status, body, (name) => request.getResponseHeader(name)));
    };
    request.send(form);
  });
}
