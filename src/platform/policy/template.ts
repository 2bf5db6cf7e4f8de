/** The attributes of what is acted on. Keys may be flat (`target.user.id`) or nested; `undefined` is absent. */
export type Target = Readonly<Record<string, unknown>>;

/** The part of a check after the colon: plain text with `%(attribute)s` in it. */
export interface Template {
  /** Texts around the keys: always one more than there are keys. */
  texts: readonly string[];
  keys: readonly string[];
}

/** @returns the template, or the offset of a `%` that means nothing */
export function parseTemplate(match: string): Template | number {
  const texts: string[] = [];
  const keys: string[] = [];
  let text = '';
  for (let at = 0; at < match.length; at++) {
    if (match[at] !== '%') {
      text += match[at];
    } else if (match[at + 1] === '%') {
      text += '%';
      at++;
    } else {
      const end = match[at + 1] === '(' ? match.indexOf(')s', at) : -1;
      if (end < at + 3) return at;
      keys.push(match.slice(at + 2, end));
      texts.push(text);
      text = '';
      at = end + 1;
    }
  }
  texts.push(text);
  return { texts, keys };
}

/** How a template is filled from a target; undefined where an attribute is absent, which makes the check fail. */
export type Fill = (target: Target) => string | undefined;

/**
 * @param nulls what `null` becomes: `None` as Python writes it, or absent
 */
export function compileTemplate({ texts, keys }: Template, nulls: 'None' | 'absent'): Fill {
  const [first = '', last = ''] = texts;
  const [key] = keys;
  if (key === undefined) return () => first;
  const readers = keys.map(compileLookup);
  const [read] = readers;
  const toText =
    nulls === 'None' ? pythonText : (value: unknown) => (value === null ? undefined : pythonText(value));
  if (read && readers.length === 1 && first === '' && last === '') return (target) => toText(read(target));
  return (target) => {
    let filled = first;
    for (const [i, reader] of readers.entries()) {
      const text = toText(reader(target));
      if (text === undefined) return undefined;
      filled += text + texts[i + 1];
    }
    return filled;
  };
}

/**
 * Reads an attribute: the flat key first, then the path through nested objects. Own properties only: a rule must
 * not match what every JavaScript object inherits.
 */
export function compileLookup(key: string): (target: Target) => unknown {
  // What the project owns is called project_id here; rules that say tenant_id mean the same.
  const alias = /^(.+[.:])?tenant_id$/.test(key) ? key.replace(/tenant_id$/, 'project_id') : undefined;
  const readAlias = alias === undefined ? undefined : compileLookup(alias);
  const path = key.split('.');
  return (target) => {
    if (Object.hasOwn(target, key)) {
      const value = target[key];
      if (value !== undefined) return value;
    }
    const nested = path.length > 1 ? walk(target, path) : undefined;
    return nested === undefined && readAlias ? readAlias(target) : nested;
  };
}

function walk(target: Target, path: readonly string[]): unknown {
  let value: unknown = target;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** A value as Python's `str()` writes it; lists and objects have no text that a rule could mean. */
export function pythonText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (value === null) return 'None';
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  return undefined;
}
