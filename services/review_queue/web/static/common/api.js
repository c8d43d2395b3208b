// The REST API as the page uses it; scripts use the same.

export class Problem extends Error {
  /**
   * @param {number} status 0: the service could not be reached
   * @param {string} detail
   * @param {string | null} field
   */
  constructor(status, detail, field = null) {
    super(detail);
    this.status = status;
    this.field = field;
  }

  get isPassing() {
    return this.status === 0 || this.status >= 500;
  }

  // The case is not this reviewer's to act on, or no longer.
  get isGone() {
    return this.status === 404 || this.status === 409;
  }
}

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {RequestInit} [options]
 * @returns {Promise<any>}
 */
export function call(method, path, body, options = {}) {
  const request = {
    ...options,
    method,
    headers: body === undefined ? undefined : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  };
  return send(path, request, (response) => (response.status === 204 ? null : response.json()));
}

/**
 * A part of a page.
 * @param {string} path
 * @returns {Promise<HTMLElement>}
 */
export async function fragment(path) {
  const holder = document.createElement("template");
  holder.innerHTML = await send(path, {}, (response) => response.text());
  return /** @type {HTMLElement} */ (holder.content.firstElementChild);
}

/**
 * What `read` takes from the response; one that breaks off is none.
 * @param {string} path
 * @param {RequestInit} request
 * @param {(response: Response) => unknown} read
 * @returns {Promise<any>}
 */
async function send(path, request, read) {
  let response, content;
  try {
    response = await fetch(path, { ...request, signal: AbortSignal.timeout(10_000) });
    content = response.ok ? await read(response) : await response.json().catch(() => ({}));
  } catch {
    throw new Problem(0, "The service cannot be reached");
  }
  if (response.status === 401) {
    location.assign("/sign-in");
  }
  if (!response.ok) {
    throw new Problem(response.status, content.detail ?? "This did not work", content.field);
  }
  return content;
}
