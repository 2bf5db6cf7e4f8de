import { pythonRepr } from '../../../../platform/http/validation.ts';
import { BrokenMapping } from './mapping.ts';

/** What the requirements of a rule let through, each with its values: `{0}` is the first of them. */
export type DirectMaps = readonly (readonly string[])[];

/** Several values of one place, as upstream writes them into a text. */
const written = (values: readonly string[]): string =>
  values.length === 1 ? (values[0] as string) : pythonRepr(values);

const place = /\{\{|\}\}|\{(\d*)\}|[{}]/g;

/**
 * Fills `{0}`, `{1}` … (or `{}`, counting by itself) of a text; `{{` and `}}` are braces. Of Python's format language
 * the rest, which reaches into values, is left out.
 *
 * @throws BrokenMapping where a place has nothing that it could stand for
 */
export function fillIn(text: string, maps: DirectMaps): string {
  let next = 0;
  return text.replaceAll(place, (found, index: string | undefined) => {
    if (found === '{{') return '{';
    if (found === '}}') return '}';
    if (index === undefined) throw unknownPlace(text);
    const values = maps[index === '' ? next++ : Number(index)];
    if (!values) throw unknownPlace(text);
    return written(values);
  });
}

/**
 * A text that stands for a list: one place alone gives its values as they are, a Python list its items, and
 * anything else is one item.
 *
 * Upstream writes values into the text and reads that as a list. So it also takes a single value that looks like a
 * list apart, and whoever may choose an attribute's text passes a blacklist by it. Here only the rule's own words
 * are read so.
 *
 * @throws BrokenMapping
 */
export function listIn(text: string, maps: DirectMaps): readonly string[] {
  const [, index] = /^\s*\{(\d*)\}\s*$/.exec(text) ?? [];
  if (index !== undefined) {
    const values = maps[index === '' ? 0 : Number(index)];
    if (!values) throw unknownPlace(text);
    return values;
  }
  if (/\{\d*\}/.test(text)) return [fillIn(text, maps)];
  const plain = fillIn(text, maps);
  return pythonList(plain) ?? [plain];
}

const item = /\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*(,|$)/y;

/** `['a', "b"]` as Python would read it; `undefined` for whatever is no list of texts. */
function pythonList(text: string): string[] | undefined {
  const inner = /^\s*\[([\s\S]*)\]\s*$/.exec(text)?.[1];
  if (inner === undefined) return undefined;
  const items: string[] = [];
  item.lastIndex = 0;
  while (item.lastIndex < inner.length) {
    const [whole, single, double] = item.exec(inner) ?? [];
    if (whole === undefined) return inner.trim() === '' ? [] : undefined;
    items.push((single ?? double ?? '').replaceAll(/\\(.)/g, '$1'));
  }
  return items;
}

const unknownPlace = (text: string): BrokenMapping =>
  new BrokenMapping(`Local section '${text.slice(0, 200)}' refers to a remote match that does not exist.`);
