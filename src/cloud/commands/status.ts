import { readFile } from 'node:fs/promises';
import { type Format, printRows } from '../output.ts';
import { runningProcess } from '../process-record.ts';
import { type CloudFlags, settingsOfCloud } from '../settings.ts';

/** Prints the services, their URLs and whether they answer. Exit status 1 when the cloud is not up. */
export async function status(flags: CloudFlags, format: Format): Promise<void> {
  const { values } = await settingsOfCloud(flags);
  const running = await runningProcess(values.state_dir);
  if (!running) {
    console.error(
      `no cloud runs from ${values.state_dir}: start it with  cumulet up --state-dir ${values.state_dir}`,
    );
    process.exitCode = 1;
    return;
  }
  const rows = await Promise.all(
    Object.entries(running.urls).map(async ([service, url]) => ({
      service,
      url,
      answers: await answers(url),
    })),
  );
  printRows(rows, format);
  if (rows.some((row) => row.answers !== 'yes')) process.exitCode = 1;
  if (format === 'table') {
    console.log(
      `process ${running.pid} since ${running.startedAt}, ${await residentMib(running.pid)} MiB resident`,
    );
  }
}

async function answers(url: string): Promise<string> {
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(5_000) });
    return response.status < 500 ? 'yes' : `status ${response.status}`;
  } catch (error) {
    return error instanceof Error && error.cause instanceof Error ? error.cause.message : 'no';
  }
}

async function residentMib(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(text)?.[1] ?? 0) / 1024);
}
