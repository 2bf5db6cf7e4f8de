/** An answer as it came. */
export interface RawAnswer {
  status: number;
  headers: ReadonlyMap<string, string>;
  text: string;
}

/** Headers that clients go by; of the others nothing is said. */
const compared = [
  'allow',
  'cache-control',
  'content-range',
  'content-type',
  'last-modified',
  'location',
  'openstack-api-version',
  'vary',
  'www-authenticate',
  'x-image-meta-store',
  'x-openstack-request-id',
  'x-subject-token',
];

/**
 * An answer as text in which all that differs from cloud to cloud, and from day to day, is masked: what was kept by its
 * name, other ids by their place, times by their form.
 *
 * @param known what has a name in this run, by value
 * @param origins where the cloud's services are
 */
export function maskedText(
  { status, headers, text }: RawAnswer,
  known: ReadonlyMap<string, string>,
  origins: ReadonlyMap<string, string>,
): string {
  const mask = masker(known, origins);
  const lines = compared
    .filter((name) => headers.has(name))
    .map((name) => `${name}: ${maskHeader(name, headers.get(name) ?? '', mask)}`);
  return [String(status), ...lines, ...(text === '' ? [] : ['', bodyText(text, mask, known)])].join('\n');
}

type Mask = (text: string) => string;

function masker(known: ReadonlyMap<string, string>, origins: ReadonlyMap<string, string>): Mask {
  const ids = new Map<string, string>();
  // The longest first: an id may be part of a token, an origin of another.
  const names = [...known, ...origins].toSorted((a, b) => b[0].length - a[0].length);
  return (text) => {
    let masked = text;
    for (const [value, name] of names) masked = masked.replaceAll(value, name);
    return (
      masked
        // Python's validator ends with all of its schema, over many lines.
        .replaceAll(/(?:\\n\\n| {2})Failed validating (?:[^"\\<]|\\.)*/g, '')
        .replaceAll(/gAAAA[\w-]{60,}=*/g, '<token>')
        .replaceAll(/\b[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}(?:[0-9a-f]{32})?\b/g, (id) => {
          if (!ids.has(id)) ids.set(id, `<id ${ids.size + 1}${id.includes('-') ? ' with dashes' : ''}>`);
          return ids.get(id) ?? '';
        })
        .replaceAll(/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?/g, (time) => time.replaceAll(/\d/g, '0'))
    );
  };
}

function maskHeader(name: string, value: string, mask: Mask): string {
  if (name === 'x-openstack-request-id') return value.replace(/^req-[0-9a-f-]{36}$/, 'req-<id>');
  if (name === 'last-modified') return value.replaceAll(/\w/g, '0');
  if (name === 'content-type') return value.replace(/;\s*/, '; ').toLowerCase();
  return mask(value);
}

function bodyText(text: string, mask: Mask, known: ReadonlyMap<string, string>): string {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return mask(text).trimEnd();
  }
  return mask(JSON.stringify(orderly(json, known, mask), undefined, 1));
}

/** The same with keys sorted, what the run did not make left out of lists, and lists of objects in one order. */
function orderly(value: unknown, known: ReadonlyMap<string, string>, mask: Mask, key = ''): unknown {
  if (key === 'audit_ids' && Array.isArray(value)) return value.map(() => '<audit id>');
  // A catalog names services that the other cloud may not have, with as many endpoints as it likes.
  if (key === 'catalog' && Array.isArray(value)) {
    const names = [...known.keys()];
    return value
      .filter((one) => names.some((name) => JSON.stringify(one).includes(name)))
      .map((one) => orderly(one, known, mask));
  }
  if (key === 'secret' && typeof value === 'string') return '<secret>';
  if (key === 'blob' && typeof value === 'string' && /^\{.*\}$/.test(value)) return value;
  if (Array.isArray(value)) {
    const items = value.map((one) => orderly(one, known, mask));
    if (!items.some((one) => typeof one === 'object' && one !== null)) return items;
    const own = [...known.keys()];
    const texts = items.map((one) => ({ one, text: JSON.stringify(one) }));
    // Lists name everything that the cloud has, and clouds have different things.
    const kept = texts.some(({ one }) => typeof one === 'object' && one !== null && 'links' in one)
      ? texts.filter(({ text }) => own.some((name) => text.includes(name)))
      : texts;
    const sorting = ({ text }: { text: string }) => masker(known, new Map())(text);
    return kept.toSorted((a, b) => (sorting(a) < sorting(b) ? -1 : 1)).map(({ one }) => one);
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, inner]) => [name, orderly(inner, known, mask, name)]),
    );
  }
  return value;
}
