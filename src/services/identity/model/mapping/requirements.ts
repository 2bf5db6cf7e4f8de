import type { RemoteRequirement } from './mapping.ts';
import { BrokenMapping } from './mapping.ts';
import { type Matcher, pythonPattern } from './pattern.ts';
import type { DirectMaps } from './template.ts';

/** The values of an assertion's attributes. */
export type Values = ReadonlyMap<string, readonly string[]>;

/**
 * Holds the requirements of a rule against an assertion.
 *
 * @returns what they let through, in their order; `undefined` where one of them does not hold. `any_one_of` and
 *   `not_any_of` only decide: nothing of theirs can be referred to
 * @throws AssertionRefused where regular expressions take too long
 */
export function directMaps(
  requirements: readonly RemoteRequirement[],
  assertion: Values,
  matcher: Matcher,
): DirectMaps | undefined {
  const maps: (readonly string[])[] = [];
  for (const requirement of requirements) {
    const values = assertion.get(requirement.type);
    if (!values || values.length === 0) return undefined;
    const { any_one_of, not_any_of, whitelist, blacklist, regex = false } = requirement;
    const listed = any_one_of ?? not_any_of ?? blacklist ?? whitelist;
    if (!listed) {
      maps.push(values);
      continue;
    }
    const known = regex ? byPattern(listed, matcher) : byText(listed);
    if (any_one_of) {
      if (!values.some(known)) return undefined;
    } else if (not_any_of) {
      if (values.some(known)) return undefined;
    } else {
      const kept = blacklist ? values.filter((value) => !known(value)) : values.filter(known);
      maps.push([...new Set(kept)]);
    }
  }
  return maps;
}

function byText(listed: readonly unknown[]): (value: string) => boolean {
  const known = new Set(listed);
  return (value) => known.has(value);
}

function byPattern(listed: readonly unknown[], matcher: Matcher): (value: string) => boolean {
  let patterns: RegExp[];
  try {
    patterns = listed.map((source) => pythonPattern(String(source)));
  } catch (error) {
    throw new BrokenMapping(`A regular expression cannot be understood: ${(error as Error).message}`);
  }
  return (value) => matcher.matches(patterns, value);
}
