import Table from 'cli-table3';
import type { Comparison } from './passing.ts';
import { suiteOf } from './passing.ts';
import { errorLine, groupFailures, type Result } from './results.ts';

/** Everything there is to say about a run, line by line; the totals are the last. */
export function report(
  results: readonly Result[],
  { lost, won }: Comparison,
  { updated }: { updated: boolean },
): string {
  return [
    failures(results),
    reasons(results),
    won.length > 0
      ? `Passing for the first time${updated ? ', added to the lists' : ' (--update adds them)'}:\n${lines(won)}`
      : '',
    lost.map(loss).join('\n'),
    counts(results),
    totals(results),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

const lines = (names: readonly string[]) => names.map((name) => `  ${name}`).join('\n');

function loss({ name, result, text }: Result): string {
  const tail = text.trimEnd().split('\n').slice(-25).join('\n    ');
  return `error: ${name} passed before and ${result === 'failed' ? 'fails' : 'is skipped'} now\n    ${tail}`;
}

function failures(results: readonly Result[]): string {
  return groupFailures(results)
    .map(({ error, names }) => `${names.length} × ${error}\n${lines(names)}`)
    .join('\n');
}

function reasons(results: readonly Result[]): string {
  const skipped = results.filter((one) => one.result === 'skipped');
  const groups = [...Map.groupBy(skipped, (one) => errorLine(one.text))].toSorted(
    (a, b) => b[1].length - a[1].length,
  );
  return groups.map(([reason, members]) => `${members.length} skipped: ${reason}`).join('\n');
}

const count = (results: readonly Result[], kind: Result['result']) =>
  results.filter((one) => one.result === kind).length;

function counts(results: readonly Result[]): string {
  const table = new Table({
    head: ['suite', 'passed', 'failed', 'skipped'],
    style: { head: [], border: [] },
  });
  for (const [suite, members] of Map.groupBy(results, (one) => suiteOf(one.name))) {
    table.push([suite, count(members, 'passed'), count(members, 'failed'), count(members, 'skipped')]);
  }
  return table.toString();
}

function totals(results: readonly Result[]): string {
  return `${count(results, 'passed')} passed, ${count(results, 'failed')} failed, ${count(results, 'skipped')} skipped`;
}
