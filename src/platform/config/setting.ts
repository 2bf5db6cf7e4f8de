/** One setting: what may be said, what holds when nothing is said, and how it is shown. */
export interface Setting<T> {
  /** One sentence for `--help` and `config show`. */
  readonly description: string;
  /** What stands for the value in `--help`: `<path>`; empty for a switch. */
  readonly placeholder: string;
  /** Whether no part of the value may be shown. */
  readonly secret: boolean;
  byDefault(): T;
  /** @throws TypeError saying what the value must be, without repeating it */
  parse(value: unknown): T;
  /** The value without what nobody may read. */
  show(value: T): string;
}

interface Described<T> {
  description: string;
  /** A function where the answer depends on the machine; it is asked only when nothing else was said. */
  default: T | (() => T);
  secret?: boolean;
}

const mask = '***';

function setting<T>(
  { description, default: fallback, secret = false }: Described<T>,
  placeholder: string,
  parse: (value: unknown) => T,
  show: (value: T) => string = String,
): Setting<T> {
  return {
    description,
    placeholder,
    secret,
    byDefault: () => (typeof fallback === 'function' ? (fallback as () => T)() : fallback),
    parse,
    show: (value) => (value === undefined || value === '' ? '' : secret ? mask : show(value)),
  };
}

function parseText(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('must be a text');
  return value;
}

/** Any text. */
export const text = (about: Described<string>): Setting<string> => setting(about, '<text>', parseText);

/** An absolute path. */
export const path = (about: Described<string>): Setting<string> =>
  setting(about, '<path>', (value) => {
    const name = parseText(value);
    if (!name.startsWith('/') || name.includes('\0')) throw new TypeError('must be an absolute path');
    return name;
  });

/** A whole number within bounds. */
export const integer = (about: Described<number> & { min: number; max: number }): Setting<number> =>
  setting(about, '<number>', (value) => {
    const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isInteger(number) || number < about.min || number > about.max)
      throw new TypeError(`must be a whole number from ${about.min} to ${about.max}`);
    return number;
  });

/** Any number within bounds. */
export const number = (about: Described<number> & { min: number; max: number }): Setting<number> =>
  setting(about, '<number>', (value) => {
    const given = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof given !== 'number' || !(given >= about.min && given <= about.max))
      throw new TypeError(`must be a number from ${about.min} to ${about.max}`);
    return given;
  });

/** Yes or no; as a flag it needs no value. */
export const boolean = (about: Described<boolean>): Setting<boolean> =>
  setting(about, '', (value) => {
    if (value === true || value === 'true' || value === '1' || value === 'yes') return true;
    if (value === false || value === 'false' || value === '0' || value === 'no') return false;
    throw new TypeError('must be true or false');
  });

/** One of a few words. */
export const choice = <const Word extends string>(
  words: readonly Word[],
  about: Described<NoInfer<Word>>,
): Setting<Word> =>
  setting<Word>(about, `<${words.join('|')}>`, (value) => {
    const word = words.find((one) => one === value);
    if (word === undefined) throw new TypeError(`must be one of ${words.join(', ')}`);
    return word;
  });

/** Texts: a list in the file, separated by commas elsewhere. */
export const list = (about: Described<readonly string[]>): Setting<readonly string[]> =>
  setting<readonly string[]>(
    about,
    '<text,...>',
    (value) => {
      const items = typeof value === 'string' ? value.split(',').map((item) => item.trim()) : value;
      if (!Array.isArray(items)) throw new TypeError('must be a list of texts');
      return items
        .map((item) => parseText(typeof item === 'number' ? String(item) : item))
        .filter((item) => item !== '');
    },
    (value) => value.join(','),
  );

/** Texts by name, in order: a mapping in a file, elsewhere `name:text, name:text`. */
export const dictionary = (
  about: Described<Readonly<Record<string, string>>>,
): Setting<Readonly<Record<string, string>>> =>
  setting(
    about,
    '<name:text,…>',
    (value) => {
      const entries = typeof value === 'string' ? pairsOf(value) : isMapping(value) && Object.entries(value);
      if (!entries || !entries.every(([name, each]) => name !== '' && !isMapping(each) && each !== undefined))
        throw new TypeError('must be texts by name');
      return Object.fromEntries(entries.map(([name, each]) => [name, String(each)]));
    },
    (value) =>
      Object.entries(value)
        .map(([name, each]) => `${name}:${each}`)
        .join(', '),
  );

const pairsOf = (value: string): [string, string | undefined][] =>
  value
    .split(',')
    .filter((pair) => pair.trim() !== '')
    .map((pair) => {
      const cut = pair.indexOf(':');
      return cut < 0 ? [pair.trim(), undefined] : [pair.slice(0, cut).trim(), pair.slice(cut + 1).trim()];
    });

/** Options of things that have names: a mapping of mappings in a file, elsewhere the same as JSON. */
export const options = (
  about: Described<Readonly<Record<string, Readonly<Record<string, unknown>>>>>,
): Setting<Readonly<Record<string, Readonly<Record<string, unknown>>>>> =>
  setting(
    about,
    '<json>',
    (value) => {
      const named = typeof value === 'string' ? parsedJson(value) : value;
      if (!isMapping(named) || !Object.values(named).every(isMapping))
        throw new TypeError('must be options by name, a mapping of mappings');
      return named as Record<string, Record<string, unknown>>;
    },
    (value) => JSON.stringify(value),
  );

function parsedJson(given: string): unknown {
  try {
    return JSON.parse(given);
  } catch {
    return undefined;
  }
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A URL of one of the schemes (`sqlite:`); its password is not shown. It may hold places like `{service}`. */
export const url = (schemes: readonly string[], about: Described<string>): Setting<string> =>
  setting(
    about,
    '<url>',
    (value) => {
      const address = parseText(value);
      if (!schemes.some((scheme) => address.startsWith(scheme)))
        throw new TypeError(`must begin with one of ${schemes.join(', ')}`);
      return address;
    },
    // A password may hold any character but the one that ends it, the last @ before the path.
    (value) => value.replace(/^([a-z+]+:\/\/[^:/@]*:)[^/]*@/, `$1${mask}@`),
  );
