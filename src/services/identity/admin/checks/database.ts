import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { nowMicros, toIsoTime } from '../../model/timestamps.ts';
import { type Check, type Examined, some, symptom } from './check.ts';

/** What is in the tables: people who can help, services that are found, and what could be thrown away. */
export function databaseChecks({ identity, stateDir }: Examined): Check[] {
  const { db } = identity.store;
  const { settings, directory } = identity;
  return [
    {
      what: 'somebody can administer',
      look: async () => {
        const found = await db
          .selectFrom('assignments')
          .innerJoin('roles', 'roles.id', 'assignments.role_id')
          .innerJoin('users', 'users.id', 'assignments.actor_id')
          .select('users.id')
          .where('roles.name', '=', 'admin')
          .where('assignments.actor_kind', '=', 'user')
          .where('users.enabled', '=', true)
          .where('assignments.target_kind', 'in', ['system', 'project'])
          .limit(1)
          .execute();
        return symptom(found.length === 0, 'problem', {
          seen: 'no user who is enabled has the role admin by himself',
          mend: 'cumulet admin identity bootstrap',
        });
      },
    },
    {
      what: 'every service can be found',
      look: async () => {
        const rows = await db
          .selectFrom('services')
          .leftJoin('endpoints', (on) =>
            on
              .onRef('endpoints.service_id', '=', 'services.id')
              .on('endpoints.interface', '=', 'public')
              .on('endpoints.enabled', '=', true),
          )
          .select(['services.id', 'services.name', 'services.type'])
          .where('services.enabled', '=', true)
          .where('endpoints.id', 'is', null)
          .execute();
        return symptom(rows.length > 0, 'warning', {
          seen: `no public endpoint: ${some(rows.map(({ name, type }) => name || type))}`,
          mend: 'openstack endpoint create --region REGION SERVICE public URL',
        });
      },
    },
    {
      what: 'identity is in its own catalog',
      look: async () => {
        const rows = await db
          .selectFrom('endpoints')
          .innerJoin('services', 'services.id', 'endpoints.service_id')
          .select(['endpoints.interface', 'endpoints.url'])
          .where('services.type', '=', 'identity')
          .where('services.enabled', '=', true)
          .where('endpoints.enabled', '=', true)
          .execute();
        const there = new Set(rows.map((row) => row.interface));
        const missing = ['public', 'internal'].filter((name) => !there.has(name as never));
        return symptom(missing.length > 0, 'problem', {
          seen: `no ${missing.join(' and no ')} endpoint of identity: clients that have a token cannot go on`,
          mend: 'start the cloud again (it makes those that are missing), or enable them',
        });
      },
    },
    {
      what: 'endpoints can be reached from elsewhere',
      look: async () => {
        const rows = await db
          .selectFrom('endpoints')
          .select('url')
          .where('interface', '=', 'public')
          .where('enabled', '=', true)
          .execute();
        const local = rows.filter(({ url }) => /^\w+:\/\/(localhost|127\.)/.test(url)).length;
        return symptom(local > 0, 'warning', {
          seen: `${local} public endpoints are at this host's loopback: nobody else reaches them`,
          mend: 'start the cloud with --host ADDRESS',
        });
      },
    },
    {
      what: 'stored passwords are hashed slowly enough',
      look: async () => {
        // The cost stands right behind `$2b$` as two digits, so that texts sort by it.
        const { many } = await db
          .selectFrom('users')
          .select((select) => select.fn.countAll<number>().as('many'))
          .where('password_hash', '>=', '$2a$')
          .where('password_hash', '<', '$2b$10')
          .executeTakeFirstOrThrow();
        return symptom(Number(many) > 0, 'warning', {
          seen: `${many} passwords are hashed by bcrypt with fewer than 10 rounds`,
          mend: 'raise identity.password_hash_rounds; who sets his password anew has a better hash',
        });
      },
    },
    {
      what: 'trusts that are over are gone',
      look: async () => {
        const { many } = await db
          .selectFrom('trusts')
          .select((select) => select.fn.countAll<number>().as('many'))
          .where((where) =>
            where.or([where('expires_at', '<', toIsoTime(nowMicros())), where('remaining_uses', '<=', 0)]),
          )
          .executeTakeFirstOrThrow();
        return symptom(Number(many) > 0, 'warning', {
          seen: `${many} trusts have run out or have no use left`,
          mend: 'cumulet admin identity trust-flush',
        });
      },
    },
    {
      what: 'domains that are disabled shut nobody in',
      look: async () => {
        const rows = await db
          .selectFrom('projects')
          .select('name')
          .where('is_domain', '=', true)
          .where('enabled', '=', false)
          .where('id', '=', 'default')
          .execute();
        return symptom(rows.length > 0, 'problem', {
          seen: 'the default domain is disabled: none of its users gets a token, admin neither',
          mend: 'cumulet admin identity bootstrap',
        });
      },
    },
    {
      what: 'configurations of domains are of domains',
      look: async () => {
        if (!settings.domain_specific_drivers_enabled || settings.domain_configurations_from_database)
          return undefined;
        const folder = settings.domain_config_dir || join(stateDir, 'domains');
        const strange: string[] = [];
        for (const name of await readdir(folder)) {
          const [, domain] = /^keystone\.(.+)\.ya?ml$/.exec(name) ?? [];
          if (domain === undefined || !(await directory.domainByName(domain))) strange.push(name);
        }
        return symptom(strange.length > 0, 'warning', {
          seen: `no domain is meant by ${some(strange)}`,
          mend: `name files in ${folder} keystone.DOMAIN.yaml, after domains that there are`,
        });
      },
    },
  ];
}
