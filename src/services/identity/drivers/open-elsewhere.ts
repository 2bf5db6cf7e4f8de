import { join } from 'node:path';
import type { Logger } from '../../../platform/service/service.ts';
import type { Changes } from '../store/changes.ts';
import { Elsewhere } from '../store/elsewhere.ts';
import type { IdMapping } from '../store/id-mapping.ts';
import { DomainBackends, type DomainConfiguration, domainFiles } from './domain-backends.ts';

/** What the settings say of backends: `settings/backends.ts`. */
export interface BackendSettings {
  driver: 'sql' | 'ldap';
  ldap: Readonly<Record<string, string>>;
  backward_compatible_ids: boolean;
  domain_specific_drivers_enabled: boolean;
  domain_configurations_from_database: boolean;
  domain_config_dir: string;
  ldap_cache_time: number;
}

export interface OpenElsewhereOptions {
  settings: BackendSettings;
  /** The service's own folder. */
  stateDir: string;
  mapping: IdMapping;
  changes: Changes;
  log: Logger;
  /** The name of a domain; undefined where there is none. */
  nameOf(domainId: string): Promise<string | undefined>;
  /** What the API has configured a domain with, passwords included; undefined for nothing. */
  configOf(domainId: string): Promise<DomainConfiguration | undefined>;
}

const defaultDomain = 'default';

/**
 * The users and groups that are not in identity's own tables, as the settings say.
 *
 * @returns undefined where all of them are: nothing is then asked about it again
 * @throws Error for a domain's file that cannot be used
 */
export async function openElsewhere(options: OpenElsewhereOptions): Promise<Elsewhere | undefined> {
  const { settings, mapping, changes, log } = options;
  if (settings.driver === 'sql' && !settings.domain_specific_drivers_enabled) return undefined;
  const backends = new DomainBackends({
    defaultDomain,
    defaultDriver: { identity: { driver: settings.driver }, ldap: settings.ldap },
    keepsLocalIds: settings.backward_compatible_ids,
    configOf: await configurations(options),
    log,
  });
  return new Elsewhere({
    backends,
    mapping,
    changes,
    defaultDomain,
    ...(settings.driver === 'ldap' ? { unaskedDomain: defaultDomain } : {}),
    cacheTime: settings.ldap_cache_time,
  });
}

async function configurations({
  settings,
  stateDir,
  nameOf,
  configOf,
}: OpenElsewhereOptions): Promise<(domainId: string) => Promise<DomainConfiguration | undefined>> {
  if (!settings.domain_specific_drivers_enabled) return async () => undefined;
  if (settings.domain_configurations_from_database) return configOf;
  const files = await domainFiles(settings.domain_config_dir || join(stateDir, 'domains'));
  return async (domainId) => {
    const name = files.size > 0 ? await nameOf(domainId) : undefined;
    return name === undefined ? undefined : files.get(name);
  };
}
