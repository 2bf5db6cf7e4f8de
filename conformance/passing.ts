import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Result } from './results.ts';
import { readNames } from './selection.ts';

/** Which list a test belongs to: `compute` of `tempest.api.compute…`, `scenario`, or the plug-in's name. */
export function suiteOf(name: string): string {
  const [, api, scenario, plugin] = /^(?:tempest\.api\.(\w+)|tempest\.(scenario)|(\w+))\./.exec(name) ?? [];
  return (api ?? scenario ?? plugin ?? 'other').replaceAll('_', '-');
}

/** Every test that has passed before. */
export function readPassing(folder: string): Set<string> {
  if (!existsSync(folder)) return new Set();
  const files = readdirSync(folder).filter((name) => name.endsWith('.txt'));
  return new Set(files.flatMap((name) => readNames(join(folder, name))));
}

export interface Comparison {
  /** Passed before, and does not now: failed, or no longer run. */
  lost: readonly Result[];
  /** Passes, and has not before. */
  won: readonly string[];
}

export function compare(results: readonly Result[], passing: ReadonlySet<string>): Comparison {
  return {
    lost: results.filter((one) => one.result !== 'passed' && passing.has(one.name)),
    won: results.filter((one) => one.result === 'passed' && !passing.has(one.name)).map((one) => one.name),
  };
}

/** Adds tests to the lists. None is ever taken away here: that is a decision, made by hand. */
export function addPassing(folder: string, names: readonly string[]): void {
  mkdirSync(folder, { recursive: true });
  for (const [suite, added] of Map.groupBy(names, suiteOf)) {
    const path = join(folder, `${suite}.txt`);
    const all = new Set([...(existsSync(path) ? readNames(path) : []), ...added]);
    writeFileSync(path, `${[...all].toSorted().join('\n')}\n`);
  }
}
