import type { Row, Table, Who } from './row.ts';

/** One request, placeholders and all. */
export interface Case {
  /** `PATCH /v3/users/{user} · member`: unique within a table. */
  title: string;
  who: Who;
  method: string;
  path: string;
  body?: unknown;
  text?: string;
  headers: Readonly<Record<string, string>>;
  keep: Readonly<Record<string, string>>;
  until?: RegExp;
  service: string;
}

/**
 * All cases of a table in the order they are asked in. For each row: those who may not, what is missing, what is malformed,
 * the good case, and the good case again (a conflict after a creation, missing after a deletion).
 */
export function casesOf(table: Table): Case[] {
  const seen = new Map<string, number>();
  return table.rows
    .flatMap((row) => casesOfRow(row, table))
    .map((one) => {
      const nth = (seen.get(one.title) ?? 0) + 1;
      seen.set(one.title, nth);
      return nth === 1 ? one : { ...one, title: `${one.title} · ${nth}` };
    });
}

const reading = new Set(['GET', 'HEAD']);

function casesOfRow(row: Row, table: Table): Case[] {
  const [method = '', path = ''] = row.ask.split(/ (.*)/s);
  const who = row.as ?? 'admin';
  const good: Case = {
    title: `${row.ask} · ${who}`,
    who,
    method,
    path,
    ...(row.body === undefined ? {} : { body: row.body }),
    ...(row.text === undefined ? {} : { text: row.text }),
    headers: { ...table.headers, ...row.headers },
    keep: row.keep ?? {},
    ...(row.until ? { until: row.until } : {}),
    service: row.service ?? table.service,
  };
  if (row.only) return [good];
  const vary = (what: string, change: Partial<Case>): Case => {
    const { until: _, ...rest } = good;
    return { ...rest, keep: {}, title: `${row.ask} · ${what}`, ...change };
  };
  const others: readonly Who[] = reading.has(method)
    ? ['nobody', 'stranger', 'reader', 'systemReader']
    : ['nobody', 'stranger'];
  const asked = [...new Set([...others, ...(row.also ?? [])])].filter((one) => one !== who);
  const wrong = [
    ...asked.map((one) => vary(one, { who: one, ...renamed(row.body, method, one) })),
    ...placeholders(path).map((name) =>
      vary(`no such ${name}`, { path: path.replace(`{${name}}`, table.nowhere) }),
    ),
    ...(row.body === undefined ? [] : malformed(row.body, method, vary)),
  ];
  const again = reading.has(method) ? [] : [vary('again', {})];
  // What creates is asked first when all is well: a wrong request that is taken after all must not stand in its way.
  const creates = row.body !== undefined && (method === 'POST' || method === 'PUT');
  return creates ? [good, again, wrong].flat() : [wrong, good, again].flat();
}

/** The body for one who should not create anything: should they, it must be under another name. */
function renamed(body: unknown, method: string, who: string): Partial<Case> {
  if (!isObject(body)) return {};
  const [wrapper, inner] = unwrap(body);
  const other = otherwiseNamed(inner, method, who);
  return { body: wrapper ? { [wrapper]: other } : other };
}

/** Names of the ids in a path; `{tag}` is none, and neither is what stands in the query. */
const placeholders = (path: string): string[] =>
  [...(path.split('?')[0] ?? '').matchAll(/\{(\w+)\}/g)]
    .map(([, name = '']) => name)
    .filter((n) => n !== 'tag');

type Vary = (what: string, change: Partial<Case>) => Case;
type Attributes = Readonly<Record<string, unknown>>;

function malformed(body: unknown, method: string, vary: Vary): Case[] {
  const without = (change: Partial<Case>) => ({ ...change, body: undefined });
  const cases = [
    vary('not JSON', without({ text: '{"' })),
    vary('no body', without({ text: '' })),
    vary('a list', { body: [1] }),
    vary('an empty object', { body: {} }),
  ];
  if (!isObject(body)) return cases;
  const [wrapper, inner] = unwrap(body);
  const build = (attributes: Attributes): unknown => (wrapper ? { [wrapper]: attributes } : attributes);
  const named = (attributes: Attributes, varied: string) => otherwiseNamed(attributes, method, varied);
  if (wrapper) cases.push(vary('the wrapper alone', { body: { [wrapper]: {} } }));
  for (const [key, value] of Object.entries(inner)) {
    const { [key]: _, ...rest } = inner;
    cases.push(
      vary(`${key} of another kind`, { body: build(named({ ...inner, [key]: otherKind(value) }, key)) }),
      vary(`without ${key}`, { body: build(named(rest, key)) }),
    );
    if (value !== null)
      cases.push(vary(`${key} null`, { body: build(named({ ...inner, [key]: null }, key)) }));
    if (key === 'name') {
      cases.push(
        vary('an empty name', { body: build({ ...inner, name: '' }) }),
        vary('a long name', { body: build({ ...inner, name: 'x'.repeat(300) }) }),
      );
    }
  }
  cases.push(vary('an unknown attribute', { body: build(named({ ...inner, surprise: 1 }, 'surprise')) }));
  return cases;
}

/** With a name, or an id, of its own; `except` is not touched. */
function otherwiseNamed(attributes: Attributes, method: string, except: string): Attributes {
  if (method !== 'POST') return attributes;
  return Object.fromEntries(
    Object.entries(attributes).map(([key, value]) =>
      (key === 'name' || key === 'id') && typeof value === 'string' && key !== except
        ? [key, `${value}-${except}`]
        : [key, value],
    ),
  );
}

const isObject = (value: unknown): value is Attributes =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Most bodies wrap one resource: `{ user: {…} }`. */
function unwrap(body: Attributes): [wrapper: string | undefined, attributes: Attributes] {
  const [[key, value] = [], ...others] = Object.entries(body);
  return others.length === 0 && key !== undefined && isObject(value) ? [key, value] : [undefined, body];
}

function otherKind(value: unknown): unknown {
  if (typeof value === 'string') return 12345;
  if (typeof value === 'boolean') return 'maybe';
  if (typeof value === 'number') return 'many';
  return 'something else';
}
