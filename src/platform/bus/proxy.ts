/**
 * An object that has every method: `send(method)` makes one when it is first asked for.
 * Not thenable, so that it can be returned from an async function.
 */
export function methodsOf<Service>(send: (method: string) => (args?: unknown) => Promise<unknown>): Service {
  const made: Record<string | symbol, unknown> = Object.create(null);
  return new Proxy(made, {
    get(_, method) {
      if (typeof method === 'symbol' || method === 'then') return undefined;
      return (made[method] ??= send(method));
    },
  }) as Service;
}
