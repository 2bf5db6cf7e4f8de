/** One `type=value` of a distinguished name, the value as it is meant. */
export interface NamePart {
  type: string;
  value: string;
}
/** A distinguished name: the entry's own part first; each part is one `type=value`, or several joined by `+`. */
export type Name = readonly (readonly NamePart[])[];

/** A value as it is written in a DN (RFC 4514 section 2.4). */
export function escapeValue(value: string): string {
  return value
    .replaceAll(/["+,;<>\\]/g, String.raw`\$&`)
    .replaceAll(/^[ #]| $/g, String.raw`\$&`)
    .replaceAll('\0', String.raw`\00`);
}

/** The DN of an entry right below another. */
export const below = (type: string, value: string, parent: string): string =>
  `${type}=${escapeValue(value)},${parent}`;

/**
 * Reads a DN (RFC 4514).
 * @throws SyntaxError for what is none
 */
export function parseName(text: string): Name {
  const parts: NamePart[][] = [];
  const reader = new Reader(text);
  if (reader.atEnd()) return parts;
  for (let joined = false; ; ) {
    const part = reader.part();
    if (joined) (parts.at(-1) as NamePart[]).push(part);
    else parts.push([part]);
    if (reader.atEnd()) return parts;
    const separator = reader.next();
    if (separator !== ',' && separator !== ';' && separator !== '+') throw new SyntaxError('not a DN');
    joined = separator === '+';
  }
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  next(): string {
    return this.#text[this.#at++] ?? '';
  }

  part(): NamePart {
    const match = /\s*([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)*)\s*=\s*/y;
    match.lastIndex = this.#at;
    const found = match.exec(this.#text);
    if (!found) throw new SyntaxError('not a DN');
    this.#at = match.lastIndex;
    return { type: found[1] as string, value: this.#value() };
  }

  #value(): string {
    const bytes: number[] = [];
    const quoted = this.#text[this.#at] === '"';
    if (quoted) this.#at++;
    /** How much of the value is not white space at its end. */
    let solid = 0;
    for (;;) {
      const character = this.#text[this.#at];
      if (character === undefined) {
        if (quoted) throw new SyntaxError('not a DN');
        break;
      }
      if (quoted ? character === '"' : /[,;+]/.test(character)) break;
      this.#at++;
      if (character === '\\') {
        bytes.push(...this.#escaped());
        solid = bytes.length;
        continue;
      }
      const code = this.#text.codePointAt(this.#at - 1) as number;
      if (code > 0xffff) this.#at++;
      bytes.push(...Buffer.from(String.fromCodePoint(code)));
      if (quoted || character !== ' ') solid = bytes.length;
    }
    if (quoted) {
      this.#at++;
      while (this.#text[this.#at] === ' ') this.#at++;
    }
    return Buffer.from(bytes.slice(0, solid)).toString();
  }

  #escaped(): Iterable<number> {
    const hex = this.#text.slice(this.#at, this.#at + 2);
    if (/^[0-9a-f]{2}$/i.test(hex)) {
      this.#at += 2;
      return [Number.parseInt(hex, 16)];
    }
    const character = this.next();
    if (character === '') throw new SyntaxError('not a DN');
    return Buffer.from(character);
  }
}

/** Whether two DNs mean one entry, as upstream compares them: without case, white space folded, `+` in any order. */
export function isSameName(one: Name, other: Name): boolean {
  return one.length === other.length && one.every((part, at) => isSamePart(part, other[at] ?? []));
}

/** Whether an entry stands below another, at any depth. */
export const isBelow = (name: Name, ancestor: Name): boolean =>
  name.length > ancestor.length && isSameName(name.slice(name.length - ancestor.length), ancestor);

function isSamePart(one: readonly NamePart[], other: readonly NamePart[]): boolean {
  if (one.length !== other.length) return false;
  return one.every(({ type, value }) =>
    other.some((each) => folded(each.type) === folded(type) && folded(each.value) === folded(value)),
  );
}

const folded = (text: string): string => text.trim().replaceAll(/\s+/g, ' ').toLowerCase();

/** What is the same for two DNs of one entry: a key to find it by. */
export function nameKey(text: string): string {
  try {
    const parts = parseName(text).map((part) =>
      part.map(({ type, value }) => [folded(type), folded(value)]).toSorted(),
    );
    return JSON.stringify(parts);
  } catch {
    return folded(text);
  }
}
