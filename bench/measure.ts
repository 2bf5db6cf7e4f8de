import { type BenchCloud, versionHeader } from './cloud.ts';
import { load, median } from './load.ts';
import type { OwnCloud } from './own-cloud.ts';
import { progress } from './progress.ts';
import { type Report, shown } from './table.ts';

/** What a part of the bench has to measure with. */
export interface Bench {
  ours: OwnCloud;
  /** All that are measured: ours, then the peer where there is one. */
  clouds: readonly BenchCloud[];
  report: Report;
  /** How often each measure is taken. */
  runs: number;
  /** How long each measure of a rate lasts, where the cloud is not too slow for that. */
  seconds: number;
  servers: number;
  real: boolean;
}

/** For what is measured on our own cloud only. */
export const oursOnly = (bench: Bench): Bench => ({ ...bench, clouds: [bench.ours] });

export const clientsOf = (clients: number): string => `${clients} ${clients === 1 ? 'client' : 'clients'}`;

/**
 * Takes a measure so many times on every cloud, in turn: what else the machine does in the meantime meets all alike.
 *
 * @returns each cloud's results, in the clouds' order
 */
export async function inTurn<R>(
  clouds: readonly BenchCloud[],
  times: number,
  measure: (cloud: BenchCloud) => Promise<R>,
): Promise<R[][]> {
  const results = clouds.map((): R[] => []);
  for (let each = 0; each < times; each++) {
    for (const [at, cloud] of clouds.entries()) results[at]?.push(await measure(cloud));
  }
  return results;
}

/** Measures how fast one URL is read by so many clients, and reports it. */
export async function reads(
  { clouds, runs, seconds, ours, report }: Bench,
  what: string,
  service: string,
  path: string,
  clients: number,
): Promise<void> {
  const named = `${what}, ${clientsOf(clients)}`;
  progress(named);
  const first = await inTurn(clouds, 1, (cloud) => answer(cloud, service, path));
  const all = await inTurn(clouds, runs, async (cloud) =>
    load(cloud.url(service, path), {
      clients,
      seconds: Math.max(seconds, enough(first[clouds.indexOf(cloud)]?.[0]?.seconds ?? 0, clients)),
      headers: await readHeaders(cloud),
      directory: ours.stateDir,
    }),
  );
  const alike = new Set(first.flat().map(({ length }) => length)).size === 1;
  report(
    named,
    'req/s',
    all.map((results, at) => {
      const failed = results.reduce((sum, { failed: some }) => sum + some, 0);
      const [p50, p99] = [median(results.map((one) => one.p50)), median(results.map((one) => one.p99))];
      const notes = [
        `p50 ${shown(p50)} ms, p99 ${shown(p99)} ms`,
        ...(alike ? [] : [`${first[at]?.[0]?.length ?? 0} LISTED`]),
        ...(failed > 0 ? [`${failed} FAILED`] : []),
      ];
      return { value: median(results.map(({ rate }) => rate)), note: notes.join(', ') };
    }),
  );
}

async function readHeaders(cloud: BenchCloud): Promise<Record<string, string>> {
  const token = await cloud.token();
  return { 'X-Auth-Token': token, 'X-Subject-Token': token, ...versionHeader };
}

/** What a cloud answers once, before it is measured. */
interface FirstAnswer {
  /** How many things it lists; undefined where it is no list. Lists of different length are not compared in silence. */
  length: number | undefined;
  seconds: number;
}

/** Asks once before it is measured: an error's rate is no measure, and nobody's first answer counts. */
async function answer(cloud: BenchCloud, service: string, path: string): Promise<FirstAnswer> {
  const startedAt = performance.now();
  const response = await fetch(cloud.url(service, path), { headers: await readHeaders(cloud) });
  const text = await response.text();
  const seconds = (performance.now() - startedAt) / 1000;
  if (!response.ok) throw new Error(`${cloud.name}: GET ${path}: ${response.status} ${text.slice(0, 300)}`);
  const body: unknown = text === '' ? undefined : JSON.parse(text);
  const list =
    typeof body === 'object' && body !== null ? Object.values(body).find(Array.isArray) : undefined;
  return { length: list?.length, seconds };
}

/** Seconds in which each client gets some answers of a cloud that is slow at it; what is unanswered at the end is lost. */
const enough = (answerSeconds: number, clients: number): number =>
  Math.min(60, Math.ceil(4 * answerSeconds * clients));

/**
 * Works between two clearings of the clouds that stay: what a run that was ended half-way left there would be
 * measured too, and nothing of this one may be left.
 */
export async function leavingNothing(
  clouds: readonly BenchCloud[],
  clear: (cloud: BenchCloud) => Promise<void>,
  work: () => Promise<void>,
): Promise<void> {
  const clearAll = async () => {
    for (const cloud of clouds.filter(({ stays }) => stays)) {
      progress(`${cloud.name}: removing what the bench made`);
      await clear(cloud);
    }
  };
  await clearAll();
  await using undo = new AsyncDisposableStack();
  undo.defer(clearAll);
  await work();
}
