import { askCloud } from '../operator-socket.ts';
import { type Format, printRows } from '../output.ts';
import { type CloudFlags, settingsOfCloud } from '../settings.ts';

/*
 * Commands that say what they found as rows, and with their exit status whether anybody has to do something: the same
 * numbers as upstream's `nova-manage placement` and `placement-status`.
 */

async function ask<T>(flags: CloudFlags, what: string, args: Record<string, string | undefined>): Promise<T> {
  const { values } = await settingsOfCloud(flags);
  const given = Object.entries(args).filter((each): each is [string, string] => each[1] !== undefined);
  return (await askCloud(values.state_dir, what, Object.fromEntries(given))) as T;
}

const yes = (flag: boolean | undefined): string | undefined => (flag ? 'yes' : undefined);

/** Counts go to standard error: standard output is what was found, and nothing else. */
function say(verbose: boolean | undefined, line: string): void {
  if (verbose) process.stderr.write(`${line}\n`);
}

interface Told {
  verbose?: boolean;
  dryRun?: boolean;
}

export async function audit(
  { verbose, dryRun, ...options }: Told & { delete?: boolean; resourceProvider?: string },
  flags: CloudFlags,
  format: Format,
): Promise<void> {
  const { consumers, orphans } = await ask<{ consumers: number; orphans: { deleted: boolean }[] }>(
    flags,
    'compute/placement-audit',
    { provider: options.resourceProvider, delete: yes(options.delete && !dryRun) },
  );
  printRows(orphans, format);
  const deleted = orphans.filter((each) => each.deleted).length;
  say(verbose, `${consumers} consumers, ${orphans.length} orphaned allocations, ${deleted} of them deleted`);
  if (orphans.length > 0) process.exitCode = deleted === orphans.length ? 4 : 3;
}

export async function healAllocations(
  {
    verbose,
    dryRun,
    force,
    maxCount,
    server,
  }: Told & { force?: boolean; maxCount?: string; server?: string },
  flags: CloudFlags,
  format: Format,
): Promise<void> {
  const { servers, healed, failed, more } = await ask<{
    servers: number;
    healed: object[];
    failed: number;
    more: boolean;
  }>(flags, 'compute/placement-heal-allocations', {
    server,
    most: maxCount,
    force: yes(force),
    dry_run: yes(dryRun),
  });
  printRows(healed as Record<string, unknown>[], format);
  const done = healed.length - failed;
  say(
    verbose,
    `${servers} servers looked at, ${done} ${dryRun ? 'to be healed' : 'healed'}, ${failed} failed`,
  );
  if (failed > 0) process.exitCode = 3;
  else if (more) process.exitCode = 1;
  else if (healed.length === 0) process.exitCode = 4;
}

export async function syncAggregates(
  { verbose, dryRun }: Told,
  flags: CloudFlags,
  format: Format,
): Promise<void> {
  const { hosts, changes, failed } = await ask<{ hosts: number; changes: object[]; failed: number }>(
    flags,
    'compute/placement-sync-aggregates',
    { dry_run: yes(dryRun) },
  );
  printRows(changes as Record<string, unknown>[], format);
  const done = changes.length - failed;
  say(verbose, `${hosts} hosts, ${done} ${dryRun ? 'to be changed' : 'changed'}, ${failed} failed`);
  if (failed > 0) process.exitCode = 5;
}

export async function upgradeCheck(flags: CloudFlags, format: Format): Promise<void> {
  const checks = await ask<{ result: string }[]>(flags, 'placement/upgrade-check', {});
  printRows(checks, format);
  if (checks.some(({ result }) => result === 'failure')) process.exitCode = 2;
  else if (checks.some(({ result }) => result === 'warning')) process.exitCode = 1;
}
