import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CloudSettings } from '../platform/config/cloud-settings.ts';
import { privateDirectory, writePrivately } from './state-files.ts';

/**
 * What a cloud was started with and its other commands must know as well: what its guests and networks are made of, for
 * `destroy` and `demo`; where it answers, for the next `up`.
 */
const kept = ['hypervisor', 'networking', 'address', 'port_offset'] as const;

const file = (stateDir: string): string => join(stateDir, 'started-with.json');

/** Keeps what the cloud is started with in its state directory, which is made where it is not there. */
export async function keepSettings(settings: CloudSettings): Promise<void> {
  await privateDirectory(settings.state_dir);
  const values = Object.fromEntries(kept.map((name) => [name, settings[name]]));
  await writePrivately(file(settings.state_dir), `${JSON.stringify(values, null, 2)}\n`);
}

/** What the cloud of a state directory was last started with; nothing where none ever was. */
export function keptSettings(stateDir: string): { values: Record<string, unknown>; origin: string } {
  const origin = file(stateDir);
  try {
    const values = JSON.parse(readFileSync(origin, 'utf8')) as Record<string, unknown>;
    return { values: Object.fromEntries(kept.map((name) => [name, values[name]])), origin };
  } catch {
    // A cloud that was never started, or a directory that is somebody else's.
    return { values: {}, origin };
  }
}
