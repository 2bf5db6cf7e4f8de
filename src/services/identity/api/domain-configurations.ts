import { type Static, Type } from 'typebox';
import { NotFound } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { ldapOptions } from '../drivers/ldap/options.ts';
import type { Identity } from '../identity.ts';
import { type DomainConfiguration, invalid } from '../model/domain-options.ts';
import type { Part } from '../store/domain-configurations.ts';
import { notFound } from './style.ts';

/** Of a policy that anybody may read, so that clients can say what a password must be. */
const passwordGroup = 'security_compliance';
const passwordOptions = ['password_regex', 'password_regex_description'] as const;
const defaultDomain = 'default';

const Body = Type.Object({ config: Type.Optional(Type.Unknown()) }, { additionalProperties: true });

/** What is configured for single domains: whose backend it is, and where the directory stands. */
export function domainConfigurationRoutes(identity: Identity): Route[] {
  const { directory, domainConfigurations: configurations, atomically } = identity;
  const { options } = configurations;

  const partOf = ({ params }: Call): Part => ({ group: params['group'], name: params['option'] });
  async function domainOf(call: Call): Promise<string> {
    const id = call.params['domain_id'] as string;
    if (!(await directory.domain(id))) throw notFound('domain', id);
    return id;
  }
  const absent = (domainId: string, { group, name }: Part) => {
    const what =
      group === undefined
        ? 'any options'
        : name === undefined
          ? `group ${group}`
          : `option ${name} in group ${group}`;
    return new NotFound(`Could not find ${what} in domain configuration for domain ${domainId}.`);
  };
  /** One option is shown without its group. */
  const shown = (config: DomainConfiguration, { group = '', name }: Part) => ({
    config: name === undefined ? config : { [name]: config[group]?.[name] },
  });

  async function show(call: Call) {
    const domainId = call.params['domain_id'] as string;
    const part = partOf(call);
    if (part.group === passwordGroup) {
      call.enforce('identity:get_security_compliance_domain_config');
      return shown(passwordPolicy(domainId, part.name), part);
    }
    call.enforce('identity:get_domain_config');
    options.assertKnown(part.group, part.name);
    const config = await configurations.readable(domainId, part);
    if (Object.keys(config).length === 0) throw absent(domainId, part);
    await domainOf(call);
    return shown(config, part);
  }

  function passwordPolicy(domainId: string, name?: string): DomainConfiguration {
    if (domainId !== defaultDomain) {
      throw invalid(
        'Reading security compliance information for any domain other than the default domain is not allowed or supported.',
      );
    }
    const asked = passwordOptions.filter((each) => name === undefined || each === name);
    if (asked.length === 0) {
      throw invalid(
        'Reading security compliance values other than password_regex and password_regex_description is not allowed.',
      );
    }
    return {
      [passwordGroup]: Object.fromEntries(asked.map((each) => [each, identity.settings[each] || null])),
    };
  }

  async function replace(call: Call<Static<typeof Body>>) {
    const id = await domainOf(call);
    const config = options.configuration(call.body.config);
    return atomically(async () => {
      const before = await configurations.has(id);
      await configurations.remove(id);
      await configurations.write(id, config);
      return answer(before ? 200 : 201, { config: await configurations.readable(id) });
    });
  }

  async function update(call: Call<Static<typeof Body>>) {
    const id = await domainOf(call);
    const part = partOf(call);
    const changes = options.changes(call.body.config, part.group, part.name);
    return atomically(async () => {
      if (part.group !== undefined && !(await configurations.has(id, part))) throw absent(id, part);
      await configurations.write(id, changes);
      return { config: await configurations.readable(id) };
    });
  }

  async function remove(call: Call) {
    const id = await domainOf(call);
    const part = partOf(call);
    options.assertKnown(part.group, part.name);
    await atomically(async () => {
      for (const each of part.group === undefined ? [] : [{ group: part.group }, part]) {
        if (!(await configurations.has(id, each))) throw absent(id, each);
      }
      await configurations.remove(id, part);
    });
  }

  function defaults(call: Call) {
    const part = partOf(call);
    options.assertKnown(part.group, part.name);
    if (part.group !== undefined && part.name !== undefined && options.isSensitive(part.group, part.name)) {
      throw invalid(`Reading the default for option ${part.name} in group ${part.group} is not supported`);
    }
    const config: DomainConfiguration = {};
    for (const [group, names] of options.readable) {
      if (part.group !== undefined && part.group !== group) continue;
      config[group] = Object.fromEntries(names.map((name) => [name, defaultOf(group, name)]));
    }
    return shown(config, part);
  }

  const config = '/v3/domains/:domain_id/config';
  const paths = [
    { path: config, what: 'the configuration of a domain' },
    { path: `${config}/:group`, what: 'a group of the configuration of a domain' },
    { path: `${config}/:group/:option`, what: 'an option of the configuration of a domain' },
  ];
  return [
    ...['', '/:group', '/:group/:option'].map((part) =>
      route({
        method: 'GET',
        path: `/v3/domains/config${part}/default`,
        summary: 'Show what holds for domains that are not configured',
        policy: 'identity:get_domain_config_default',
        handler: defaults,
      }),
    ),
    route({
      method: 'PUT',
      path: config,
      summary: 'Replace the configuration of a domain',
      policy: 'identity:create_domain_config',
      body: Body,
      handler: replace,
    }),
    ...paths.flatMap(({ path, what }) => [
      route({ method: 'GET', path, summary: `Show ${what}`, handler: show }),
      route({
        method: 'PATCH',
        path,
        summary: `Update ${what}`,
        policy: 'identity:update_domain_config',
        body: Body,
        handler: update,
      }),
      route({
        method: 'DELETE',
        path,
        summary: `Delete ${what}`,
        policy: 'identity:delete_domain_config',
        handler: remove,
      }),
    ]),
  ];
}

/** Unset upstream, where the setting here needs a value. */
const unset = new Set(['debug_level', 'chase_referrals']);

/** What an option is where nothing is configured; null is unset. */
function defaultOf(group: string, name: string): unknown {
  if (group === 'identity') return name === 'driver' ? 'sql' : null;
  if (unset.has(name) || !Object.hasOwn(ldapOptions, name)) return null;
  const value = ldapOptions[name as keyof typeof ldapOptions].byDefault();
  return value === '' ? null : value;
}
