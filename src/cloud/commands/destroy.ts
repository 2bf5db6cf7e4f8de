import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openLog } from '../../platform/log/log.ts';
import { tagOf } from '../../platform/service/host.ts';
import { Progress } from '../output.ts';
import { services } from '../services.ts';
import { type CloudFlags, settingsOfCloud } from '../settings.ts';
import { endCloud } from './down.ts';

/**
 * Removes every guest, namespace, device and file of the cloud of a state directory, and nothing else. Safe to repeat.
 *
 * @throws Error without `--yes`, or for a directory that is no cloud's
 */
export async function destroy(flags: CloudFlags & { yes?: boolean }): Promise<void> {
  const { yes, ...rest } = flags;
  const { values } = await settingsOfCloud(rest);
  const cloudDir = values.state_dir;
  if (!yes)
    throw new Error(
      `this removes all servers, networks and images of ${cloudDir}: say  --yes  if that is meant`,
    );
  if (!existsSync(cloudDir)) {
    console.log(`there is no ${cloudDir}`);
    return;
  }
  if (!existsSync(join(cloudDir, 'secrets.yaml'))) {
    throw new Error(`${cloudDir} is not the state directory of a cloud: it is left as it is`);
  }
  const progress = new Progress();
  await progress.step('the process', () => endCloud(cloudDir));
  const { log, close } = openLog({ level: 'error' });
  for (const { name, destroy: clean } of services.toReversed()) {
    if (!clean) continue;
    await progress.step(`what ${name} left on this host`, () =>
      clean({ cloudDir, stateDir: join(cloudDir, name), tag: tagOf(cloudDir), settings: { ...values }, log }),
    );
  }
  await progress.step(`files of ${cloudDir}`, () => rm(cloudDir, { recursive: true, force: true }));
  await close();
}
