import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A test as `stestr list` names it: `tempest.api.x.Class.test_y[id-…,smoke]`. */
export type ListedTest = string;

/** The name without the attributes in brackets: what lists of passing tests say. */
export const plainName = (test: ListedTest): string =>
  test.replace(/\[[^\]]*\b(id-[0-9a-f-]{36}|smoke)[^\]]*\]/, '');

export interface Selected {
  tests: readonly ListedTest[];
  /** Wanted by the selection, but not in the installed suites. */
  missing: readonly string[];
}

/** Picks the tests that any of these selections means, each once and in the suites' order. */
export function select(selections: readonly string[], all: readonly ListedTest[], folder: string): Selected {
  const each = selections.map((selection) => selectBy(selection, all, folder));
  const wanted = new Set(each.flatMap((one) => one.tests));
  return {
    tests: all.filter((test) => wanted.has(test)),
    missing: each.flatMap((one) => one.missing),
  };
}

/**
 * @param selection `interop` (all of the guideline) or `interop:compute`; a file with a name on each line; else a
 *   regular expression that is searched for in the names
 * @param folder where the guideline's list lies
 */
function selectBy(selection: string, all: readonly ListedTest[], folder: string): Selected {
  const [list, service] = selection.split(':');
  if (list === 'interop') {
    const wanted = readInterop(join(folder, 'interop-2020.06.tsv'), service);
    // The guideline names tests by id, which outlives a renaming; but inherited tests share one, so names go first.
    const find = ({ id, name }: InteropTest) => {
      const named = all.filter((test) => plainName(test) === name);
      return named.length > 0 ? named : all.filter((test) => test.includes(id));
    };
    return {
      tests: [...new Set(wanted.flatMap(find))],
      missing: wanted.filter((one) => find(one).length === 0).map((one) => one.name),
    };
  }
  if (existsSync(selection)) {
    const wanted = readNames(selection);
    const names = new Set(wanted);
    const known = new Set(all.map(plainName));
    return {
      tests: all.filter((test) => names.has(plainName(test)) || names.has(test)),
      missing: wanted.filter((name) => !known.has(plainName(name))),
    };
  }
  const pattern = new RegExp(selection);
  return { tests: all.filter((test) => pattern.test(test)), missing: [] };
}

interface InteropTest {
  id: string;
  name: string;
}

function readInterop(path: string, service: string | undefined): InteropTest[] {
  const [, ...rows] = readFileSync(path, 'utf8').trim().split('\n');
  return rows
    .map((row) => row.split('\t'))
    .filter(([of]) => service === undefined || of === service)
    .map(([, , , id = '', name = '']) => ({ id, name }));
}

/** Names, one a line; blank lines and what follows `#` aside. */
export function readNames(path: string): string[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '');
}
