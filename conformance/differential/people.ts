import { randomBytes } from 'node:crypto';
import { authenticate, type CloudApi, type Json, list, record } from '../api.ts';
import type { Who } from './row.ts';

/** Those who ask, and what they are called in tables. */
export interface People {
  tokens: ReadonlyMap<Who, string>;
  /** Value by the name that tables use. */
  names: Map<string, string>;
  /** Takes the people and their domains away again, with all that is in these. */
  leave(): Promise<void>;
}

/** Makes two domains with a project each, and people who may do different things. @throws Error where that fails */
export async function bringPeople(api: CloudApi): Promise<People> {
  const root = `${api.access.authUrl}/v3`;
  const tag = `d${randomBytes(4).toString('hex')}`;
  // Not a name from the tables: it must not be found in answers by chance.
  const password = `Aa1-${randomBytes(9).toString('hex')}`;
  const make = async (path: string, one: string, body: Json): Promise<string> =>
    String(record((await api.request('POST', `${root}${path}`, { [one]: body }))[one])['id']);
  const domain = await make('/domains', 'domain', { name: `${tag}-domain` });
  const otherDomain = await make('/domains', 'domain', { name: `${tag}-other` });
  const project = await make('/projects', 'project', { name: `${tag}-project`, domain_id: domain });
  const elsewhere = await make('/projects', 'project', { name: `${tag}-elsewhere`, domain_id: otherDomain });
  const roles = new Map(
    list((await api.request('GET', `${root}/roles`))['roles']).map((one) => [one['name'], String(one['id'])]),
  );
  const role = (name: string): string => roles.get(name) ?? '';
  const user = async (name: string, domain_id: string, grants: readonly string[]): Promise<string> => {
    const id = await make('/users', 'user', { name: `${tag}-${name}`, password, domain_id });
    for (const [target = '', of = ''] of grants.map((one) => one.split(' '))) {
      await api.request('PUT', `${root}${target}/users/${id}/roles/${role(of)}`);
    }
    return id;
  };
  const member = await user('member', domain, [`/projects/${project} member`]);
  const reader = await user('reader', domain, [`/projects/${project} reader`]);
  const stranger = await user('stranger', otherDomain, [`/projects/${elsewhere} member`]);
  const domainAdmin = await user('domain-admin', domain, [`/domains/${domain} admin`]);
  const systemReader = await user('system-reader', domain, ['/system reader']);

  const enter = async (id: string, scope?: object): Promise<string> => {
    const issued = await authenticate(api.access.authUrl, { id, password }, scope);
    if (typeof issued === 'number') throw new Error(`a user of the run was answered ${issued}`);
    return issued.token;
  };
  const { username, userDomain } = api.access;
  const { project: name, projectDomain } = api.access;
  const tokens = new Map<Who, string>([
    ['admin', (await api.tokenFor({ project: { name, domain: { name: projectDomain } } })) ?? ''],
    ['system', (await api.tokenFor({ system: { all: true } })) ?? ''],
    ['member', await enter(member, { project: { id: project } })],
    ['reader', await enter(reader, { project: { id: project } })],
    ['stranger', await enter(stranger, { project: { id: elsewhere } })],
    ['domainAdmin', await enter(domainAdmin, { domain: { id: domain } })],
    ['systemReader', await enter(systemReader, { system: { all: true } })],
    ['unscoped', await enter(member, { unscoped: {} })],
  ]);
  const names = new Map(
    Object.entries({
      tag,
      password,
      domain,
      otherDomain,
      project,
      elsewhere,
      member,
      reader,
      stranger,
      domainAdmin,
      systemReader,
      adminUser: api.userId,
      adminProject: api.projectId,
      adminName: username,
      adminPassword: api.access.password,
      adminDomain: userDomain,
      adminRole: role('admin'),
      memberRole: role('member'),
      readerRole: role('reader'),
    }),
  );
  return {
    tokens,
    names,
    async leave() {
      await removeNamed(api, tag);
      for (const id of [domain, otherDomain]) {
        await api.ask('PATCH', `${root}/domains/${id}`, { domain: { enabled: false } });
        await api.ask('DELETE', `${root}/domains/${id}`);
      }
    },
  };
}

/** Collections of what belongs to no domain, each before those that it stands on. */
const collections = ['services', 'roles', 'regions', 'regions', 'OS-FEDERATION/identity_providers'].concat(
  ['mappings', 'service_providers'].map((name) => `OS-FEDERATION/${name}`),
);

/** Takes away what a run that ended early, or a wrong request that was taken, has left: all that has the run's tag. */
async function removeNamed(api: CloudApi, tag: string): Promise<void> {
  for (const path of collections) {
    const url = `${api.access.authUrl}/v3/${path}`;
    const listed = Object.values((await api.ask('GET', url)).body).find(Array.isArray);
    for (const one of list(listed).filter((item) => JSON.stringify(item).includes(tag))) {
      await api.ask('DELETE', `${url}/${encodeURIComponent(String(one['id']))}`);
    }
  }
}
