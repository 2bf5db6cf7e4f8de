import type { Section, Values } from './schema.ts';

/**
 * A service's settings out of what the program gives it, and defaults where that says nothing: the program has read
 * them from the configuration, tests give the few that they are about.
 * @throws TypeError that names the setting and says what it must be
 */
export function sectionOf<S extends Section>(
  section: S,
  given: Readonly<Record<string, unknown>>,
): Values<S> {
  const values = Object.entries(section).map(([name, setting]) => {
    const value = given[name];
    try {
      return [name, value === undefined ? setting.byDefault() : setting.parse(value)];
    } catch (error) {
      throw new TypeError(`${name} ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  });
  return Object.fromEntries(values) as Values<S>;
}
