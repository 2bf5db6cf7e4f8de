/** Deeper than any API body goes; what is deeper is a cycle or an attack. */
const deepest = 100;

/**
 * Copies plain data as JSON would: properties that are undefined are left out.
 * Several times as fast as `structuredClone`, and stricter than `JSON.stringify`, which bends what it does not know.
 * @throws TypeError naming the place of anything else: functions, class instances, Dates, bigints, NaN, holes
 */
export function copyPlain<T>(value: T): T {
  return copy(value, 0) as T;
}

function copy(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return value;
    case 'number':
      if (Number.isFinite(value)) return value;
      throw new Impossible(String(value));
    case 'object':
      if (value === null) return null;
      if (depth === deepest) throw new Impossible(`more than ${deepest} levels`);
      return Array.isArray(value) ? copyArray(value, depth + 1) : copyObject(value, depth + 1);
    default:
      throw new Impossible(`a ${typeof value}`);
  }
}

function copyArray(from: unknown[], depth: number): unknown[] {
  const to: unknown[] = [];
  for (let index = 0; index < from.length; index++) {
    const item = from[index];
    if (item === undefined) throw new Impossible('undefined', `[${index}]`);
    to.push(inside(item, index, depth));
  }
  return to;
}

function copyObject(from: object, depth: number): object {
  const prototype: unknown = Object.getPrototypeOf(from);
  if (prototype !== Object.prototype && prototype !== null)
    throw new Impossible(`an instance of ${from.constructor?.name ?? 'a class'}`);
  const to: Record<string, unknown> = {};
  for (const key of Object.keys(from)) {
    const item = inside((from as Record<string, unknown>)[key], key, depth);
    if (item === undefined) continue;
    // Users choose the keys of metadata; assigning this one would change the copy's prototype instead.
    if (key === '__proto__')
      Object.defineProperty(to, key, { value: item, enumerable: true, configurable: true, writable: true });
    else to[key] = item;
  }
  return to;
}

function inside(item: unknown, key: string | number, depth: number): unknown {
  if (typeof item === 'string' || typeof item === 'boolean') return item;
  try {
    return copy(item, depth);
  } catch (error) {
    if (error instanceof Impossible) error.within(typeof key === 'number' ? `[${key}]` : `.${key}`);
    throw error;
  }
}

class Impossible extends TypeError {
  readonly #what: string;
  #path: string;

  constructor(what: string, path = '') {
    super();
    this.name = 'TypeError';
    this.#what = what;
    this.#path = path;
    this.within('');
  }

  within(key: string): void {
    this.#path = key + this.#path;
    this.message = `only plain data can be sent, but ${this.#path === '' ? 'this' : this.#path} is ${this.#what}`;
  }
}
