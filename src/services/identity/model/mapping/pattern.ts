import { createContext, Script } from 'node:vm';
import { AssertionRefused } from './mapping.ts';

/** Characters of a pattern, and of a value that one is tried on. */
export const longestPattern = 1024;
const longestValue = 4096;

/**
 * A regular expression as mappings have it: Python's. What JavaScript spells otherwise is brought to its form: named
 * groups, `\A` and `\Z`, and flags at the beginning.
 *
 * @throws SyntaxError
 */
export function pythonPattern(source: string): RegExp {
  if (source.length > longestPattern) throw new SyntaxError(`longer than ${longestPattern} characters`);
  const [opening = '', letters = ''] = /^\(\?([aimsux]+)\)/.exec(source) ?? [];
  if (letters.includes('x')) throw new SyntaxError('the flag x is not known');
  const flags = [...new Set(letters)].filter((letter) => letter === 'i' || letter === 'm' || letter === 's');
  const text = source
    .slice(opening.length)
    .replaceAll(
      /\\([\s\S])|\(\?P([<=])/g,
      (found, escaped: string | undefined, named: string | undefined) => {
        if (named === '<') return '(?<';
        if (named === '=') return '(?P=';
        if (escaped === 'A') return '(?<![\\s\\S])';
        return escaped === 'Z' ? '(?![\\s\\S])' : found;
      },
    )
    .replaceAll(/\(\?P=(\w+)\)/g, '\\k<$1>');
  try {
    return new RegExp(text, [...flags, 'u'].join(''));
  } catch {
    // Python lets more characters be escaped than JavaScript's strict form does.
    return new RegExp(text, flags.join(''));
  }
}

/**
 * Tries patterns on values within a budget of time. Patterns come from the operator and values from whoever logs in:
 * `(a+)+$` and thirty letters would hold a process for hours otherwise.
 */
export class Matcher {
  #left: number;
  readonly #context: { run?: () => boolean };
  readonly #script = new Script('run()');

  /** @param budget milliseconds for everything that this matcher is asked */
  constructor(budget = 200) {
    this.#left = budget;
    this.#context = createContext(Object.create(null));
  }

  /**
   * Whether any of the patterns is found somewhere in the value.
   *
   * @throws AssertionRefused when the time is used up, or the value is too long to try
   */
  matches(patterns: readonly RegExp[], value: string): boolean {
    if (value.length > longestValue)
      throw new AssertionRefused('A value is too long for a regular expression.');
    if (this.#left < 1) throw new AssertionRefused('The regular expressions of the mapping take too long.');
    const startedAt = performance.now();
    this.#context.run = () => patterns.some((pattern) => pattern.test(value));
    try {
      return this.#script.runInContext(this.#context, { timeout: Math.ceil(this.#left) }) as boolean;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw cause;
      throw new AssertionRefused('The regular expressions of the mapping take too long.');
    } finally {
      this.#left -= performance.now() - startedAt;
    }
  }
}
