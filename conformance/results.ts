import { type ListedTest, plainName } from './selection.ts';

/** One entry of a subunit stream. Besides tests there are `setUpClass (…)` and `tearDownClass (…)`. */
export interface Outcome {
  id: string;
  status: 'success' | 'fail' | 'skip' | 'xfail' | 'uxsuccess' | 'inprogress' | 'unknown' | 'exists';
  details: Readonly<Record<string, string>>;
}

export interface Result {
  name: string;
  result: 'passed' | 'failed' | 'skipped';
  /** Why it was skipped, or the end of the traceback. */
  text: string;
}

/**
 * One result for each selected test. Where a whole class was skipped or could not be set up, the stream names only
 * the class; its tests have its result. A test that is not heard of at all has failed.
 */
export function toResults(selected: readonly ListedTest[], outcomes: readonly Outcome[]): Result[] {
  const byName = new Map(outcomes.map((one) => [plainName(one.id), one]));
  const results = selected.map((test): Result => {
    const name = plainName(test);
    const ofClass = byName.get(`setUpClass (${name.slice(0, name.lastIndexOf('.'))})`);
    const outcome = byName.get(name) ?? ofClass;
    return outcome ? toResult(name, outcome) : { name, result: 'failed', text: 'did not run' };
  });
  const leftBehind = outcomes.filter((one) => one.id.startsWith('tearDownClass') && one.status === 'fail');
  return [...results, ...leftBehind.map((one) => toResult(one.id, one))];
}

function toResult(name: string, { status, details }: Outcome): Result {
  if (status === 'success' || status === 'xfail') return { name, result: 'passed', text: '' };
  if (status === 'skip') return { name, result: 'skipped', text: details['reason'] ?? '' };
  const traceback = Object.entries(details).find(([key]) => key.startsWith('traceback'))?.[1];
  const text = status === 'inprogress' ? 'did not end' : (traceback ?? Object.values(details).join('\n'));
  return { name, result: 'failed', text };
}

/** The line of a traceback that says what went wrong, ids and numbers made alike so that the same errors meet. */
export function errorLine(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && line.trim() !== '}}}');
  const lastFrame = lines.findLastIndex((line) => /^\s+File ".*", line \d+/.test(line));
  const message = lines.slice(lastFrame + 1).find((line) => !/^\s/.test(line)) ?? lines.at(-1) ?? '';
  return message
    .replaceAll(/\b(req-)?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\b/g, '…')
    .replaceAll(/<bound method (\S+) of <[^>]*>>/g, '$1')
    .replaceAll(/(?<=-)\d{4,}\b/g, '…')
    .slice(0, 200);
}

/** Failures by what went wrong, the most frequent first. */
export function groupFailures(results: readonly Result[]): { error: string; names: string[] }[] {
  const groups = Map.groupBy(
    results.filter((one) => one.result === 'failed'),
    (one) => errorLine(one.text),
  );
  return [...groups]
    .map(([error, members]) => ({ error, names: members.map((one) => one.name) }))
    .toSorted((a, b) => b.names.length - a.names.length);
}
