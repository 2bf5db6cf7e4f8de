import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { repository } from '../src/platform/store/repository.ts';
import { openStore } from '../src/platform/store/store.ts';
import { identitySchema } from '../src/services/identity/store/schema.ts';
import { assignments, groups, memberships, projects, users } from '../src/services/identity/store/tables.ts';
import type { BenchCloud } from './cloud.ts';
import { load } from './load.ts';
import { type Bench, inTurn, leavingNothing, oursOnly, reads } from './measure.ts';
import type { OwnCloud } from './own-cloud.ts';
import { progress } from './progress.ts';

/** The same name has the same id in every run. */
const idOf = (name: string): string => createHash('sha256').update(name).digest('hex').slice(0, 32);

/** How much there is. A bigger cloud has all that a smaller one has. */
interface Size {
  users: number;
  projects: number;
  /** Each of 10 of the users. */
  groups: number;
}
/** Assignments of each project: so many of users, and so many of groups. */
const each = { users: 40, groups: 10 };
const small: Size = { users: 100, projects: 100, groups: 10 };
const large: Size = { users: 100_000, projects: 1000, groups: 1000 };

/**
 * Fills the database beside the running cloud: a hundred thousand requests would take longer than what is measured.
 * The cloud has nothing of it in its memory yet, so it need not be told.
 */
async function fill(cloud: OwnCloud, domainId: string, roleId: string, from: Size, to: Size): Promise<void> {
  progress(`${cloud.name}: ${to.users} users, ${to.projects} projects`);
  const store = await openStore(identitySchema, {
    url: `sqlite:${join(cloud.stateDir, 'identity', 'identity.db')}`,
  });
  const numbers = (first: number, end: number) => Array.from({ length: end - first }, (_, at) => first + at);
  const grant = (actor_kind: 'user' | 'group', actor_id: string, project: number) => ({
    actor_kind,
    actor_id,
    target_kind: 'project' as const,
    target_id: idOf(`project ${project}`),
    role_id: roleId,
  });
  // Spread by a step that shares no factor with how many there are; those of the first project are the first ones.
  const chosen = (project: number, nth: number, of: number) => (project * 37 + nth) % of;
  const rows = {
    users: numbers(from.users, to.users).map((n) => ({
      id: idOf(`user ${n}`),
      name: `bench-user-${n}`,
      domain_id: domainId,
    })),
    projects: numbers(from.projects, to.projects).map((n) => ({
      id: idOf(`project ${n}`),
      name: `bench-project-${n}`,
      domain_id: domainId,
      parent_id: domainId,
    })),
    groups: numbers(from.groups, to.groups).map((n) => ({
      id: idOf(`group ${n}`),
      name: `bench-group-${n}`,
      domain_id: domainId,
    })),
    memberships: numbers(from.groups, to.groups).flatMap((n) =>
      numbers(0, 10).map((nth) => ({
        group_id: idOf(`group ${n}`),
        user_id: idOf(`user ${(n * 10 + nth) % to.users}`),
      })),
    ),
    assignments: numbers(from.projects, to.projects).flatMap((n) => [
      ...numbers(0, each.users).map((nth) => grant('user', idOf(`user ${chosen(n, nth, to.users)}`), n)),
      ...numbers(0, each.groups).map((nth) => grant('group', idOf(`group ${chosen(n, nth, to.groups)}`), n)),
    ]),
  };
  try {
    await store.transaction(async () => {
      const inBatches = async <R>(all: readonly R[], insert: (some: readonly R[]) => Promise<unknown>) => {
        for (let at = 0; at < all.length; at += 500) await insert(all.slice(at, at + 500));
      };
      await inBatches(rows.users, (some) => repository(store, users).insert(some));
      await inBatches(rows.projects, (some) => repository(store, projects).insert(some));
      await inBatches(rows.groups, (some) => repository(store, groups).insert(some));
      await inBatches(rows.memberships, (some) => repository(store, memberships).insert(some));
      await inBatches(rows.assignments, (some) => repository(store, assignments).insert(some));
    });
  } finally {
    await store.close();
  }
}

/** Logs in by password over and over, so many clients at once, until it is told to end. @returns how to end it */
function loggingIn(cloud: BenchCloud, names: readonly string[], password: string): () => Promise<number> {
  let going = true;
  let times = 0;
  const all = names.map(async (name) => {
    while (going) {
      const user = { name, password, domain: { id: 'default' } };
      const response = await fetch(cloud.url('identity', '/v3/auth/tokens'), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } } } }),
      });
      await response.arrayBuffer();
      if (response.status !== 201) throw new Error(`login: ${response.status}`);
      times++;
    }
  });
  return async () => {
    going = false;
    await Promise.all(all);
    return times;
  };
}

/** Nobody else's users are called so. */
const logins = Array.from({ length: 8 }, (_, at) => `cumulet-bench-login-${at}`);

async function clear(cloud: BenchCloud): Promise<void> {
  for (const name of logins) {
    const { users: found } = await cloud.request<{ users: { id: string }[] }>(
      'identity',
      'GET',
      `/v3/users?domain_id=default&name=${name}`,
    );
    for (const { id } of found) await cloud.request('identity', 'DELETE', `/v3/users/${id}`);
  }
}

async function whileLoggingIn({ clouds, seconds, ours, report }: Bench): Promise<void> {
  const password = 'a-password-to-measure';
  const all = await inTurn(clouds, 1, async (cloud) => {
    progress(`${cloud.name}: validation while 8 clients log in`);
    for (const name of logins)
      await cloud.request('identity', 'POST', '/v3/users', {
        user: { name, password, domain_id: 'default' },
      });
    const token = await cloud.token();
    const headers = { 'X-Auth-Token': token, 'X-Subject-Token': token };
    const end = loggingIn(cloud, logins, password);
    const startedAt = performance.now();
    try {
      // By one client that takes its time: what the others make it wait is asked, not how much fits beside them.
      const url = cloud.url('identity', '/v3/auth/tokens');
      const seen = await load(url, { clients: 1, seconds: seconds * 2, headers, directory: ours.stateDir });
      return { seen, times: await end(), seconds: (performance.now() - startedAt) / 1000 };
    } finally {
      await end();
    }
  });
  const results = all.flat();
  report(
    'p99 of validation, 8 clients logging in',
    'ms',
    results.map(({ seen }) => ({ value: seen.p99, note: `p50 ${seen.p50.toFixed(2)} ms` })),
  );
  report(
    'logins by password, 8 clients',
    'req/s',
    results.map(({ times, seconds: took }) => ({ value: times / took })),
  );
}

/**
 * Tokens and lists of a new cloud, validation while others log in; then, on our own cloud, the same questions in a
 * small and in a large one: the questions and their answers are the same, only what lies around them grows.
 */
export async function identityMeasures(bench: Bench): Promise<void> {
  for (const clients of [1, 8]) {
    await reads(bench, 'validate a token', 'identity', '/v3/auth/tokens', clients);
    await reads(bench, 'list projects', 'identity', '/v3/projects', clients);
  }
  await leavingNothing(bench.clouds, clear, () => whileLoggingIn(bench));
  await amongManyUsers(oursOnly(bench));
}

async function amongManyUsers(bench: Bench): Promise<void> {
  const cloud = bench.ours;
  const { domain } = await cloud.request<{ domain: { id: string } }>('identity', 'POST', '/v3/domains', {
    domain: { name: 'bench' },
  });
  const { roles } = await cloud.request<{ roles: { id: string }[] }>(
    'identity',
    'GET',
    '/v3/roles?name=member',
  );
  const roleId = roles[0]?.id ?? '';
  const [user, project] = [idOf('user 0'), idOf('project 0')];
  const questions: [string, string][] = [
    ['100 users', '/v3/users?limit=100'],
    ['100 users of a domain', `/v3/users?domain_id=${domain.id}&limit=100`],
    ['a user by name', '/v3/users?name=bench-user-7'],
    ['a user by name and domain', `/v3/users?name=bench-user-7&domain_id=${domain.id}`],
    ['100 projects', '/v3/projects?limit=100'],
    ['a project by name', '/v3/projects?name=bench-project-0'],
    ['users of a group', `/v3/groups/${idOf('group 0')}/users`],
    ['effective, of a user', `/v3/role_assignments?effective&user.id=${idOf('user 39')}`],
    [
      'effective, of a user on a project',
      `/v3/role_assignments?effective&user.id=${user}&scope.project.id=${project}`,
    ],
    ['effective, on a project', `/v3/role_assignments?effective&scope.project.id=${project}`],
    [
      'effective, on a project, with names',
      `/v3/role_assignments?effective&include_names&scope.project.id=${project}`,
    ],
    ['assignments on a project', `/v3/role_assignments?scope.project.id=${project}`],
    ['check a grant', `/v3/projects/${project}/users/${user}/roles/${roleId}`],
  ];
  const ask = async (of: string) => {
    for (const [what, path] of questions) await reads(bench, `${of}: ${what}`, 'identity', path, 1);
  };
  await fill(cloud, domain.id, roleId, { users: 0, projects: 0, groups: 0 }, small);
  await ask('small');
  const startedAt = performance.now();
  await fill(cloud, domain.id, roleId, small, large);
  const value = (performance.now() - startedAt) / 1000;
  bench.report('100,000 users and 50,000 assignments made', 's', [{ value, note: 'in the store' }]);
  await ask('large');
  await reads(bench, 'large: validate a token', 'identity', '/v3/auth/tokens', 8);
}
