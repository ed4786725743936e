// Requests to the REST API of this server, and nothing else.

const ROOT = 'api/v1/';
const MAX_WAITS = 4;
const MINUTE = 60_000; // milliseconds
const LIMIT = 2 * MINUTE;
/** How long a request may take that reads many faces, or sends a photo. */
export const LONG = 10 * MINUTE;

let askForToken = () => {};
/** Set what is called when the server refuses the token. */
export const onRefused = ask => { askForToken = ask; };

export class Problem extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** Send a token with all requests, until the tab is closed. */
export function useToken(token) {
  try {
    new Headers({Authorization: `Bearer ${token}`});
  } catch {
    throw new Problem('A token cannot contain such characters.', 401);
  }
  sessionStorage.setItem('token', token);
}

const sleep = seconds => new Promise(resolve => setTimeout(resolve, 1000 * seconds));

// Browsers resolve these in paths, encoded or not, so that people/.. would be the whole collection.
export const RESOLVED = ['', '.', '..'];

/** Put values into a path, each encoded: path`collections/${name}/faces`. */
export function path(texts, ...values) {
  if (values.some(value => RESOLVED.includes(value))) throw new Problem('No page can show anything with this name.', 404);
  return texts.reduce((all, text, index) => all + encodeURIComponent(values[index - 1]) + text);
}

/** Return the query string of values that are set. */
export function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return given.length ? `?${new URLSearchParams(given)}` : '';
}

/**
 * Do work with a signal that ends it after a time, or when another signal does. A request that is
 * never answered would hold up all that wait for it.
 */
async function limited(work, limit, signal = null) {
  const ended = new AbortController();
  const end = () => ended.abort(signal.reason);
  if (signal?.aborted) end(); else signal?.addEventListener('abort', end);
  const timer = setTimeout(() => ended.abort(new Problem(
    `The server did not answer within ${limit / MINUTE} minutes; it may still complete the request.`, 0)), limit);
  try {
    return await work(ended.signal);
  } catch (error) {
    throw ended.signal.aborted ? ended.signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
  }
}

/**
 * Send a request, and return the response. A server that is busy gets the request again after the
 * time that it names.
 */
async function call(address, options, waits = MAX_WAITS) {
  const headers = {...options.headers};
  const token = sessionStorage.getItem('token');
  if (token) headers.Authorization = `Bearer ${token}`;
  let answer;
  try {
    answer = await fetch(ROOT + address, {...options, headers});
  } catch {
    throw new Problem('The server cannot be reached.', 0);
  }
  if (answer.ok) return answer;
  if ((answer.status === 503 || answer.status === 429) && waits > 1) {
    await sleep(Number(answer.headers.get('Retry-After')) || 1);
    return call(address, options, waits - 1);
  }
  if (answer.status === 401) {
    askForToken();
    throw new Problem(token ? 'The server refuses this token.' : '', 401);
  }
  const problem = await answer.json().catch(() => ({}));
  const text = [problem.detail, problem.hint].filter(Boolean).join('; ');
  throw new Problem(text || answer.statusText || `Status ${answer.status}`, answer.status);
}

const json = (address, {signal, ...options}, limit = LIMIT) => limited(async ended => {
  const answer = await call(address, {...options, signal: ended});
  return answer.status === 204 ? null : answer.json();
}, limit, signal);

const withBody = (method, body) => body === undefined
  ? {method}
  : {method, body: JSON.stringify(body), headers: {'Content-Type': 'application/json'}};

export const get = address => json(address, {});
export const post = (address, body, limit = LIMIT) => json(address, withBody('POST', body), limit);
export const put = (address, body) => json(address, withBody('PUT', body));
export const remove = address => json(address, {method: 'DELETE'});

/** Return a picture, as a blob. */
export const getPicture = address => limited(
  signal => call(address, {headers: {Accept: 'image/jpeg'}, signal}).then(answer => answer.blob()), LIMIT);

/** Send a photo as a file of a form, with the other fields. */
export function sendPhoto(address, file, fields, signal) {
  if (!file.size) return Promise.reject(new Problem('The file is empty.', 400));
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined && value !== '') form.append(name, value);
  form.append('image', file);
  return json(address, {method: 'POST', body: form, signal}, LONG);
}
