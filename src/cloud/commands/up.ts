import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { assertPortsAreForClients } from '../client-ports.ts';
import { type Cloud, logFile, startCloud } from '../cloud.ts';
import { keepSettings } from '../kept-settings.ts';
import { Progress, printRows } from '../output.ts';
import { forgetProcess, recordProcess, runningProcess } from '../process-record.ts';
import { ports } from '../services.ts';
import { type CloudFlags, type CloudSettings, settingsOfCloud } from '../settings.ts';
import { privateDirectory } from '../state-files.ts';
import { lacking } from './doctor.ts';

/** Milliseconds that a detached cloud may take until it answers. */
const startPatience = 120_000;

/** What a detached cloud tells the command that started it. */
type Report = { up: Record<string, string> } | { failed: string };

/**
 * Starts the cloud: in this process until it is told to end, or with `--detach` in one of its own.
 * Where one runs from this state directory already, says so and leaves it alone.
 *
 * @throws Error when the host lacks something, or a service cannot start
 */
export async function up(flags: CloudFlags): Promise<void> {
  const { values } = await settingsOfCloud(flags);
  const running = await runningProcess(values.state_dir);
  if (running) {
    console.error(`the cloud of ${values.state_dir} is up already, as process ${running.pid}`);
    return;
  }
  assertHostFits(values);
  assertPortsAreForClients(ports, values.port_offset);
  await keepSettings(values);
  if (flags['detach']) await detach(values);
  else await stay(values);
}

function assertHostFits({ hypervisor, networking }: CloudSettings): void {
  if (hypervisor === 'simulated' && networking === 'simulated') return;
  const missing = lacking();
  if (missing.length === 0) return;
  const lines = missing.map(
    ({ what, without, mend }) => `  ${what}: without it, ${without}; mend it by: ${mend}`,
  );
  throw new Error(
    `this host lacks what a real cloud needs:\n${lines.join('\n')}\nor start a simulated one:  cumulet up --simulated`,
  );
}

async function stay(settings: CloudSettings): Promise<void> {
  const progress = new Progress();
  const parent = process.send ? (report: Report) => process.send?.(report) : undefined;
  let cloud: Cloud;
  try {
    // A detached cloud has nobody to show its steps to: the log has them.
    cloud = await startCloud(
      settings,
      parent ? (_name, work) => work() : (name, work) => progress.step(name, work),
    );
  } catch (error) {
    parent?.({ failed: error instanceof Error ? error.message : String(error) });
    throw error;
  }
  await recordProcess(settings.state_dir, cloud.urls);
  const ended = Promise.withResolvers<void>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ended.resolve());
  if (parent) {
    parent({ up: cloud.urls });
    process.disconnect?.();
  } else {
    progress.say(`up after ${progress.elapsed}; Ctrl-C ends it, servers run on`);
    printRows(
      Object.entries(cloud.urls).map(([service, url]) => ({ service, url })),
      'table',
    );
  }
  await ended.promise;
  await cloud.close();
  forgetProcess(settings.state_dir);
}

/** Starts the same command without `--detach`, apart from this terminal, and waits for its word. */
async function detach(settings: CloudSettings): Promise<void> {
  const progress = new Progress();
  await privateDirectory(settings.state_dir);
  const log = logFile(settings.state_dir);
  const out = openSync(log, 'a', 0o600);
  const main = fileURLToPath(new URL('../main.ts', import.meta.url));
  const args = process.argv.slice(2).filter((each) => each !== '--detach');
  const child = spawn(process.execPath, [...process.execArgv, main, ...args], {
    detached: true,
    stdio: ['ignore', out, out, 'ipc'],
  });
  closeSync(out);
  const report = await progress.step('start the cloud', () => word(child, log));
  if ('failed' in report) throw new Error(report.failed);
  child.disconnect();
  child.unref();
  printRows(
    Object.entries(report.up).map(([service, url]) => ({ service, url })),
    'table',
  );
  console.log(`
admin:  . ${settings.state_dir}/admin-openrc
user:   . ${settings.state_dir}/demo-openrc
log:    ${log}`);
}

function word(child: ReturnType<typeof spawn>, log: string): Promise<Report> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`the cloud did not answer within ${startPatience / 1000} s: see ${log}`));
    }, startPatience);
    const settle = (settled: () => void) => {
      clearTimeout(timer);
      settled();
    };
    child.once('message', (message) => settle(() => resolve(message as Report)));
    child.once('error', (error) => settle(() => reject(error)));
    child.once('exit', (status) =>
      settle(() => reject(new Error(`the cloud ended with status ${status}: see ${log}`))),
    );
  });
}
