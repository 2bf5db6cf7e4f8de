import type { Answers } from './ask.ts';
import { diffLines } from './difference.ts';
import type { Known } from './known.ts';

export interface Comparison {
  same: number;
  /** Cases by what is different in them; the most frequent first. */
  unknown: readonly { diff: string; titles: readonly string[] }[];
  /** How many cases each known difference explains. */
  known: ReadonlyMap<string, number>;
}

/** Compares what two clouds answered. A case of which every changed line is known is a known difference. */
export function compareAnswers(theirs: Answers, ours: Answers, known: readonly Known[]): Comparison {
  let same = 0;
  const unknown = new Map<string, string[]>();
  const explained = new Map<string, number>();
  for (const [title, answer] of ours) {
    const lines = diffLines(inOrder(theirs.get(title) ?? 'never asked'), inOrder(answer));
    const changed = lines.filter((line) => !line.startsWith(' '));
    if (changed.length === 0) {
      same++;
      continue;
    }
    const candidates = known.filter((one) => one.of.test(title));
    const reasons = changed.map((line) => candidates.find((one) => one.lines?.test(line) ?? true));
    if (reasons.every((reason) => reason !== undefined)) {
      for (const why of new Set(reasons.map((reason) => reason.why))) {
        explained.set(why, (explained.get(why) ?? 0) + 1);
      }
      continue;
    }
    // Known lines are left out, and what is around the others too, so that the same unknown ones meet.
    const diff = changed.filter((_, n) => reasons[n] === undefined).join('\n');
    unknown.set(diff, [...(unknown.get(diff) ?? []), title]);
  }
  return {
    same,
    unknown: [...unknown]
      .map(([diff, titles]) => ({ diff, titles }))
      .toSorted((a, b) => b.titles.length - a.titles.length),
    known: explained,
  };
}

/** A body with its keys in order once more: what a key stands for is masked, and was in order by what it was. */
function inOrder(answer: string): string {
  const [head = '', ...rest] = answer.split('\n\n');
  try {
    return `${head}\n\n${JSON.stringify(sorted(JSON.parse(rest.join('\n\n'))), undefined, 1)}`;
  } catch {
    return answer;
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

const mostTitles = 8;

function headed(titles: readonly string[]): string {
  const lines = titles.slice(0, mostTitles).map((title) => `=== ${title}`);
  if (titles.length > mostTitles) lines.push(`=== and ${titles.length - mostTitles} more`);
  return lines.join('\n');
}

/** A comparison to read; the last line has the totals. */
export function comparisonText({ same, unknown, known }: Comparison): string {
  const differing = unknown.reduce((sum, { titles }) => sum + titles.length, 0);
  const explained = [...known].map(([why, cases]) => `${cases} × known: ${why}`);
  return [
    ...unknown.map(({ diff, titles }) => `${headed(titles)}\n${diff}`),
    ...(explained.length > 0 ? [explained.join('\n')] : []),
    `${same} the same, ${differing} different in ${unknown.length} ways that are not known`,
  ].join('\n\n');
}
