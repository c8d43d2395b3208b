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

export async function call(method, path, body, options = {}) {
  const response = await reach(path, {
    ...options,
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return response.status === 204 ? null : response.json();
}

export async function fragment(path) {
  const response = await reach(path, {});
  const holder = document.createElement("template");
  holder.innerHTML = await response.text();
  return holder.content.firstElementChild;
}

async function reach(path, options) {
  let response;
  try {
    response = await fetch(path, { ...options, signal: AbortSignal.timeout(10_000) });
  } catch {
    throw new Problem(0, "The service cannot be reached");
  }
  if (response.status === 401) {
    location.assign("/sign-in");
  }
  if (!response.ok) {
    const said = await response.json().catch(() => ({}));
    throw new Problem(response.status, said.detail ?? "This did not work", said.field);
  }
  return response;
}
