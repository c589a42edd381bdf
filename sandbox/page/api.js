// How does the page talk to the sandbox?

async function call(method, path, body) {
  let response;
  try {
    response = await fetch(path, { method, headers: body ? { "content-type": "application/json" } : {}, body: body && JSON.stringify(body) });
  } catch {
    throw new Error("The sandbox does not answer. Is it still running?");
  }
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new Error(answer?.error ?? `The sandbox answered ${response.status}.`);
  return answer;
}

export const get = (path, query = {}) => {
  const known = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return call("GET", known.length ? `${path}?${new URLSearchParams(known)}` : path);
};
export const post = (path, body = {}) => call("POST", path, body);

/** Server-sent events for one person; `onopen` runs at each (re)connection because events may have been missed. */
export function stream(as, { onevent, onopen, onlost }) {
  const source = new EventSource(`/control/stream?as=${encodeURIComponent(as)}`);
  source.onopen = onopen;
  source.onerror = onlost;
  source.onmessage = (event) => onevent(JSON.parse(event.data));
  return () => source.close();
}
