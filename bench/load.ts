import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../src/platform/exec/run.ts';

/** What a load of equal requests came to. */
export interface Load {
  /** Answered requests a second. */
  rate: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  /** Answers that were not 2xx or 3xx, and failed connections. */
  failed: number;
}

/** wrk's script: the token stays out of the command line, where everybody can read it. */
const script = `
for line in (os.getenv("BENCH_HEADERS") or ""):gmatch("[^\\n]+") do
  local name, value = line:match("^([^:]+):%s*(.*)$"); wrk.headers[name] = value
end
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('RESULT {"requests":%d,"microseconds":%d,"p50":%.4f,"p99":%.4f,"failed":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    e.status + e.connect + e.read + e.write + e.timeout))
end
`;

/** Asks one URL as fast as `clients` connections can, for some seconds. Needs Debian's wrk. */
export async function load(
  url: string,
  options: { clients: number; seconds: number; headers: Record<string, string>; directory: string },
): Promise<Load> {
  const path = join(options.directory, 'wrk.lua');
  await writeFile(path, script);
  const headers = Object.entries(options.headers).map(([name, value]) => `${name}: ${value}`);
  const { stdout } = await run(
    ['wrk', '-t1', `-c${options.clients}`, `-d${options.seconds}s`, '--timeout', '30s', '-s', path, url],
    { deadline: (options.seconds + 40) * 1000, env: { BENCH_HEADERS: headers.join('\n') } },
  );
  const found = /RESULT (\{.*\})/.exec(stdout)?.[1];
  if (!found) throw new Error(`wrk said nothing that can be read: ${stdout.slice(-300)}`);
  const { requests, microseconds, p50, p99, failed } = JSON.parse(found) as Record<string, number>;
  return {
    rate: (requests ?? 0) / ((microseconds ?? 1) / 1e6),
    p50: p50 ?? 0,
    p99: p99 ?? 0,
    failed: failed ?? 0,
  };
}

/** The middle of several measurements. */
export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
