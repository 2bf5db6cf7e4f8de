import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CloudSettings } from '../platform/config/cloud-settings.ts';
import { privateDirectory, writePrivately } from './state-files.ts';

/**
 * What a cloud was started with and its other commands must know as well: what its guests and networks are made of, for
 * `destroy` and `demo`; where it answers, for the next `up`. By their settings' names, and the flags' as they are parsed.
 */
const kept = {
  hypervisor: 'hypervisor',
  networking: 'networking',
  address: 'address',
  port_offset: 'portOffset',
} as const;
type Kept = keyof typeof kept;

const file = (stateDir: string): string => join(stateDir, 'started-with.json');

/** Keeps what the cloud is started with in its state directory, which is made where it is not there. */
export async function keepSettings(settings: CloudSettings): Promise<void> {
  await privateDirectory(settings.state_dir);
  const values = Object.fromEntries((Object.keys(kept) as Kept[]).map((name) => [name, settings[name]]));
  await writePrivately(file(settings.state_dir), `${JSON.stringify(values, null, 2)}\n`);
}

/**
 * The flags that the cloud of a state directory was last started with, of those settings about which nothing is said now.
 *
 * @param unsaid names of settings that have their defaults
 */
export function keptFlags(stateDir: string, unsaid: ReadonlySet<string>): Record<string, unknown> {
  let values: Partial<Record<Kept, unknown>>;
  try {
    values = JSON.parse(readFileSync(file(stateDir), 'utf8')) as typeof values;
  } catch {
    // A cloud that was never started, or a directory that is somebody else's.
    return {};
  }
  const names = (Object.keys(kept) as Kept[]).filter(
    (name) => unsaid.has(name) && values[name] !== undefined,
  );
  return Object.fromEntries(names.map((name) => [kept[name], values[name]]));
}
