import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Config, loadConfig } from '../platform/config/load.ts';
import { keptSettings } from './kept-settings.ts';
import { type AllSettings, allSettings } from './service-settings.ts';

/** What the command line may say about a cloud, as commander gives it. */
export type CloudFlags = Readonly<Record<string, unknown>>;

/** The file in the state directory that an operator may write settings to. */
const settingsFile = 'cumulet.yaml';

/**
 * The settings of the cloud that the flags name: `--state-dir` first, for its `cumulet.yaml` is read too. Where nobody
 * says what a cloud is made of, or where it answers, it is as the cloud was last started.
 * @throws ConfigError that names everything that is wrong
 */
export async function settingsOfCloud(flags: CloudFlags): Promise<Config<typeof allSettings>> {
  const { simulated, host, detach: _, ...rest } = flags as Record<string, unknown>;
  const given = {
    ...rest,
    ...(simulated ? { hypervisor: 'simulated', networking: 'simulated' } : {}),
    // `--host` is the address that people know the cloud by.
    ...(host === undefined ? {} : { address: host }),
  };
  const first = await loadConfig(allSettings, { environment: process.env, flags: given });
  const stateDir = resolve(first.values.state_dir);
  const file = join(stateDir, settingsFile);
  return loadConfig(allSettings, {
    kept: keptSettings(stateDir),
    ...(existsSync(file) ? { file } : {}),
    environment: process.env,
    flags: given,
  });
}

export type { AllSettings as CloudSettings };
