import { Forbidden } from '../../../platform/errors/errors.ts';

/** What can be configured for a domain, by group and name. */
export type DomainConfiguration = Record<string, Record<string, unknown>>;

/**
 * The options that can be set for a domain and read back, as upstream lists them (keystone/resource/core.py). Named
 * one by one, so that an option is never open to the API only because a backend has it.
 */
const whitelisted: Readonly<Record<string, readonly string[]>> = {
  identity: ['driver', 'list_limit'],
  ldap: [
    'url',
    'user',
    'suffix',
    'query_scope',
    'page_size',
    'alias_dereferencing',
    'debug_level',
    'chase_referrals',
    'user_tree_dn',
    'user_filter',
    'user_objectclass',
    'user_id_attribute',
    'user_name_attribute',
    'user_mail_attribute',
    'user_description_attribute',
    'user_pass_attribute',
    'user_enabled_attribute',
    'user_enabled_invert',
    'user_enabled_mask',
    'user_enabled_default',
    'user_attribute_ignore',
    'user_default_project_id_attribute',
    'user_enabled_emulation',
    'user_enabled_emulation_dn',
    'user_enabled_emulation_use_group_config',
    'user_additional_attribute_mapping',
    'group_tree_dn',
    'group_filter',
    'group_objectclass',
    'group_id_attribute',
    'group_name_attribute',
    'group_members_are_ids',
    'group_member_attribute',
    'group_desc_attribute',
    'group_attribute_ignore',
    'group_additional_attribute_mapping',
    'tls_cacertfile',
    'tls_cacertdir',
    'use_tls',
    'tls_req_cert',
    'use_pool',
    'pool_size',
    'pool_retry_max',
    'pool_retry_delay',
    'pool_connection_timeout',
    'pool_connection_lifetime',
    'use_auth_pool',
    'auth_pool_size',
    'auth_pool_connection_lifetime',
  ],
};
/** Those that can be set and never read back. */
const sensitive: Readonly<Record<string, readonly string[]>> = { ldap: ['password'] };

/** Which options there are: upstream's, and those that the cloud's own settings add (`ldap.user_allow_create`). */
export class DomainOptions {
  readonly readable: ReadonlyMap<string, readonly string[]>;

  constructor(additional: readonly string[] = []) {
    const readable = new Map(Object.entries(whitelisted));
    for (const each of additional) {
      const [group = '', ...rest] = each.split('.');
      const known = readable.get(group);
      if (known) readable.set(group, [...new Set([...known, rest.join('.')])]);
    }
    this.readable = readable;
  }

  isSensitive(group: string, name: string): boolean {
    return Object.hasOwn(sensitive, group) && (sensitive[group] as readonly string[]).includes(name);
  }

  /** @throws Forbidden for a group or an option that domains do not have */
  assertKnown(group?: string, name?: string): void {
    if (group === undefined) return;
    const readable = this.readable.get(group);
    if (!readable) throw invalid(`Group ${shown(group)} is not supported for domain specific configurations`);
    if (name === undefined || readable.includes(name) || this.isSensitive(group, name)) return;
    throw invalid(
      `Option ${shown(name)} in group ${shown(group)} is not supported for domain specific configurations`,
    );
  }

  /** @throws Forbidden for what is no configuration */
  configuration(given: unknown): DomainConfiguration {
    if (!isMapping(given) || Object.keys(given).length === 0) throw invalid('No options specified');
    for (const [group, options] of Object.entries(given)) {
      if (!isMapping(options) || Object.keys(options).length === 0) {
        throw invalid(
          `The value of group ${shown(group)} specified in the config should be a dictionary of options`,
        );
      }
      for (const name of Object.keys(options)) this.assertKnown(group, name);
    }
    return given as DomainConfiguration;
  }

  /**
   * What is to be changed, once it is known to be about no more than the path says.
   * @throws Forbidden where it is about something else
   */
  changes(given: unknown, group?: string, name?: string): DomainConfiguration {
    const config = this.configuration(group !== undefined && name !== undefined ? { [group]: given } : given);
    this.assertKnown(group, name);
    if (group === undefined) return config;
    const [onlyGroup = ''] = Object.keys(config);
    const names = Object.keys(config[group] ?? {});
    if (Object.keys(config).length !== 1 || (name !== undefined && names.length !== 1)) {
      throw invalid(
        name === undefined
          ? `Trying to update group ${group}, so that, and only that, group must be specified in the config`
          : `Trying to update option ${name} in group ${group}, so that, and only that, option must be specified  in the config`,
      );
    }
    if (onlyGroup !== group) {
      throw invalid(
        `request to update group ${group}, but config provided contains group ${onlyGroup} instead`,
      );
    }
    if (name !== undefined && names[0] !== name) {
      throw invalid(
        `Trying to update option ${name} in group ${group}, but config provided contains option ${names[0]} instead`,
      );
    }
    return config;
  }
}

export const invalid = (reason: string): Forbidden =>
  new Forbidden(`Invalid domain specific configuration: ${reason}.`);

/** A value with sensitive options put where `%(password)s` names them, and `%%` a percent sign; undefined where it cannot be. */
export function substituted(value: string, secrets: ReadonlyMap<string, unknown>): string | undefined {
  let whole = true;
  const filled = value.replace(/%\(([^()]*)\)s|%%|%/g, (found, name?: string) => {
    if (found === '%%') return '%';
    if (name === undefined || !secrets.has(name)) whole = false;
    return name === undefined ? found : String(secrets.get(name));
  });
  return whole ? filled : undefined;
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const shown = (name: string): string => name.slice(0, 80);
