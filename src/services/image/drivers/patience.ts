/**
 * Aborts a request whose answer has not begun in time. What the answer brings may take longer: an image is large, and
 * fetch itself ends bodies that fall silent.
 *
 * @param ms milliseconds until the answer must have begun
 */
export async function answeredWithin<T>(ms: number, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const impatience = new AbortController();
  const timer = setTimeout(() => impatience.abort(new Error(`no answer within ${ms} ms`)), ms);
  try {
    return await ask(impatience.signal);
  } finally {
    clearTimeout(timer);
  }
}
