// The REST API as the page uses it; scripts use the same.

export class Problem extends Error {
  // status 0: the service could not be reached.
  constructor(status, detail, field = null) {
    super(detail);
    this.status = status;
    this.field = field;
  }

  get passing() {
    return this.status === 0 || this.status >= 500;
  }

  // The case is not (any more) this reviewer's to act on.
  get gone() {
    return this.status === 404 || this.status === 409;
  }
}

export function call(method, path, body, options = {}) {
  const request = {
    ...options,
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  };
  return reach(path, request, (answer) => (answer.status === 204 ? null : answer.json()));
}

export async function fragment(path) {
  const holder = document.createElement("template");
  holder.innerHTML = await reach(path, {}, (answer) => answer.text());
  return holder.content.firstElementChild;
}

// What `read` takes from the answer; one that breaks off is none.
async function reach(path, options, read) {
  let response, said;
  try {
    response = await fetch(path, { ...options, signal: AbortSignal.timeout(10_000) });
    said = response.ok ? await read(response) : await response.json().catch(() => ({}));
  } catch {
    throw new Problem(0, "The service cannot be reached");
  }
  if (response.status === 401) {
    location.assign("/sign-in");
  }
  if (!response.ok) {
    throw new Problem(response.status, said.detail ?? "This did not work", said.field);
  }
  return said;
}
