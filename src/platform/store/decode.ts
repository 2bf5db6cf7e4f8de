import type { Columns } from './table.ts';

export type Decoder = (values: readonly unknown[]) => Record<string, unknown>;

/** The kinds of columns by name, where reading them takes work. */
export type Decoded = ReadonlyMap<string, 'boolean' | 'json'>;

/** How to read the columns of all `tables`, by name. */
export function decodedColumns(tables: Iterable<{ columns: Columns }>): Decoded {
  const decoded = new Map<string, 'boolean' | 'json'>();
  for (const { columns } of tables)
    for (const [name, { kind }] of Object.entries(columns))
      if (kind === 'boolean' || kind === 'json') decoded.set(name, kind);
  return decoded;
}

function parseJson(value: unknown, name: string): unknown {
  if (value === null || value === undefined) return null;
  if (value === '{}') return {};
  if (value === '[]') return [];
  try {
    return JSON.parse(String(value));
  } catch (cause) {
    throw new Error(`column ${name} holds no JSON`, { cause });
  }
}

/**
 * Makes the function that turns an array of values into a row, for one list of column names.
 *
 * The function is generated: an object literal gives every row the same hidden class at the price of one
 * allocation, several times cheaper than setting properties by computed names. Names are quoted as JSON, and
 * nothing but names gets into the source.
 */
export function rowDecoder(names: readonly string[], decoded: Decoded): Decoder {
  const fields = names.map((name, i) => {
    const value = `v[${i}]`;
    const kind = decoded.get(name);
    const key = JSON.stringify(name);
    // In brackets it is a name like any other; without, it would set the prototype.
    const property = name === '__proto__' ? `[${key}]` : key;
    if (kind === 'boolean') return `${property}: ${value} === null ? null : ${value} == 1`;
    if (kind === 'json') return `${property}: parseJson(${value}, ${key})`;
    return `${property}: ${value}`;
  });
  // oxlint-disable-next-line typescript/no-implied-eval no-new-func
  const make = new Function('parseJson', `return (v) => ({ ${fields.join(', ')} })`) as (
    parse: typeof parseJson,
  ) => Decoder;
  return make(parseJson);
}

/** Decoders by result shape, made once each. */
export class Decoders {
  readonly #decoded: Decoded;
  readonly #byShape = new Map<string, Decoder>();

  constructor(decoded: Decoded) {
    this.#decoded = decoded;
  }

  for(names: readonly string[]): Decoder {
    const shape = names.join('\n');
    let decoder = this.#byShape.get(shape);
    if (!decoder) {
      // Shapes come from the program's own queries; the bound is for programs that generate aliases.
      if (this.#byShape.size > 5000) this.#byShape.clear();
      decoder = rowDecoder(names, this.#decoded);
      this.#byShape.set(shape, decoder);
    }
    return decoder;
  }
}
