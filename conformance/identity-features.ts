import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { authenticate, type CloudApi, record } from './api.ts';

/** What the identity service of a cloud can do, as far as it shows. */
export interface IdentityFeatures {
  trusts: boolean;
  projectTags: boolean;
  applicationCredentials: boolean;
  accessRules: boolean;
  /** The cloud asserts its own users to others (Keystone to Keystone). */
  identityProvider: boolean;
  /** Each domain may have its users in a place of its own, so that lists of users want a domain. */
  domainDrivers: boolean;
  /** A token's scope must be of a kind that the operation is for. */
  enforcesScope: boolean;
  compliance: Compliance | undefined;
}

/** Rules about passwords that a cloud is seen to keep. */
export interface Compliance {
  /** Wrong passwords after which a user is locked out. */
  failures: number;
  /** For how long, in seconds. */
  lockout: number;
  /** Passwords of which none may be used again, the present one among them. */
  uniquePasswords: number;
}

/** Asks the identity service what it can do; what it made for that is deleted again. */
export async function identityFeatures(api: CloudApi): Promise<IdentityFeatures> {
  const root = `${api.access.authUrl}/v3`;
  const answers = async (path: string): Promise<boolean> =>
    (await api.ask('GET', `${root}${path}`)).status !== 404;
  const system = await api.tokenFor({ system: { all: true } });
  const users = system
    ? await api.ask('GET', `${root}/users`, undefined, { 'x-auth-token': system })
    : undefined;
  return {
    trusts: await answers('/OS-TRUST/trusts'),
    projectTags: await answers(`/projects/${api.projectId}/tags`),
    applicationCredentials: await answers(`/users/${api.userId}/application_credentials`),
    accessRules: await answers(`/users/${api.userId}/access_rules`),
    identityProvider: (await api.ask('GET', `${root}/OS-FEDERATION/saml2/metadata`)).status === 200,
    // With a backend for each domain nobody can list the users of all of them, and a system has no domain of its own.
    domainDrivers: users?.status === 401,
    enforcesScope: await enforcesScope(api),
    compliance: await compliance(api),
  };
}

/** Services belong to no domain: with scopes enforced, not even its administrator may list them. */
async function enforcesScope(api: CloudApi): Promise<boolean> {
  const root = `${api.access.authUrl}/v3`;
  const roles = record(await api.request('GET', `${root}/roles?name=admin`))['roles'];
  const role = record((roles as unknown[])[0])['id'];
  const name = `conformance-${randomBytes(4).toString('hex')}`;
  const made = await api.request('POST', `${root}/domains`, { domain: { name } });
  const domain = `${root}/domains/${record(made['domain'])['id']}`;
  try {
    await api.request('PUT', `${domain}/users/${api.userId}/roles/${role}`);
    const token = await api.tokenFor({ domain: { name } });
    const { status } = await api.ask('GET', `${root}/services`, undefined, { 'x-auth-token': token ?? '' });
    return status === 403;
  } finally {
    await api.request('PATCH', domain, { domain: { enabled: false } });
    await api.request('DELETE', domain);
  }
}

const mostFailures = 5;
const longestLockout = 15;

/** Finds out by a user of its own: undefined where a user may fail, or use passwords again, as they like. */
async function compliance(api: CloudApi): Promise<Compliance | undefined> {
  const root = `${api.access.authUrl}/v3`;
  const name = `conformance-${randomBytes(4).toString('hex')}`;
  const word = (n: number): string => `Aa1-${name}-${n}`;
  const made = await api.request('POST', `${root}/users`, { user: { name, password: word(0) } });
  const id = String(record(made['user'])['id']);
  const enters = async (password: string): Promise<boolean> =>
    typeof (await authenticate(api.access.authUrl, { id, password })) !== 'number';
  try {
    if (!(await enters(word(0)))) return undefined;
    for (let n = 0; n < mostFailures; n++) await enters('wrong');
    if (await enters(word(0))) return undefined;
    const began = Date.now();
    while (!(await enters(word(0)))) {
      // Longer than anybody would wait in a test.
      if (Date.now() - began > longestLockout * 1000) return undefined;
      await pause(500);
    }
    const lockout = Math.max(1, Math.round((Date.now() - began) / 1000));
    const failures = await failuresUntilLocked(enters, word(0), lockout);
    const uniquePasswords = await uniqueCount(api, id, word);
    return uniquePasswords > 1 ? { failures, lockout, uniquePasswords } : undefined;
  } finally {
    await api.request('DELETE', `${root}/users/${id}`);
  }
}

async function failuresUntilLocked(
  enters: (password: string) => Promise<boolean>,
  right: string,
  lockout: number,
): Promise<number> {
  for (let failures = 1; failures < mostFailures; failures++) {
    for (let n = 0; n < failures; n++) await enters('wrong');
    if (!(await enters(right))) {
      await pause((lockout + 1) * 1000);
      return failures;
    }
  }
  return mostFailures;
}

/** How many passwords it takes until the first may be used again. */
async function uniqueCount(api: CloudApi, id: string, word: (n: number) => string): Promise<number> {
  const url = `${api.access.authUrl}/v3/users/${id}/password`;
  const change = async (from: number, to: number): Promise<boolean> =>
    (await api.ask('POST', url, { user: { original_password: word(from), password: word(to) } })).status <
    300;
  for (let n = 1; n <= 10; n++) {
    if (!(await change(n - 1, n))) return 0;
    if (await change(n, 0)) return n;
  }
  return 0;
}
