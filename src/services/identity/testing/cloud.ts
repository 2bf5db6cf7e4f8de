import assert from 'node:assert/strict';
import type { Settings } from '../../../platform/service/service.ts';
import { type Answered, startWorld, type World } from '../../../platform/service/testing/world.ts';
import { identityAdmin, identityService } from '../contract.ts';
import { identity } from '../service.ts';

/** Identity, bootstrapped, with its own tokens. */
export interface IdentityCloud {
  world: World;
  /** A token for the bootstrapped admin on project admin. */
  admin: string;
  /** A token for the bootstrapped demo, a member on project demo. */
  demo: string;
  adminProjectId: string;
  demoProjectId: string;
  request(
    method: string,
    path: string,
    options?: { as?: string; body?: unknown; headers?: Record<string, string> },
  ): Promise<Answered>;
  /** A token, by the answer to `POST /v3/auth/tokens`. @throws AssertionError unless it is given */
  login(user: object, scope?: unknown): Promise<string>;
  authenticate(user: object, scope?: unknown): Promise<Answered>;
  /** `POST`s and gives what is made, unwrapped. */
  make(path: string, one: string, body: object): Promise<Record<string, unknown> & { id: string }>;
  [Symbol.asyncDispose](): Promise<void>;
}

export const secrets = { admin: 'admin-secret', demo: 'demo-secret' };
export const region = 'RegionOne';
export const catalog = [
  { type: 'identity', name: 'keystone', description: 'Identity', url: 'http://127.0.0.1:5000/v3' },
  {
    type: 'object-store',
    name: 'swift',
    description: 'Objects',
    url: 'http://127.0.0.1:8080/v1/AUTH_%(project_id)s',
  },
];
export const inDefault = (name: string, password: string): object => ({
  name,
  password,
  domain: { id: 'default' },
});

/** Starts identity alone, as the cloud would; passwords are hashed quickly. */
export async function startIdentity(settings: Partial<Settings> = {}): Promise<IdentityCloud> {
  const world = await startWorld([identity], {
    settings: { password_hash_rounds: 4, ...settings },
    validate: (bus) => {
      const service = bus.client(identityService);
      return (token) => service.validateToken({ token });
    },
  });
  const made = await world.bus.client(identityAdmin, { host: 'host-1' }).bootstrap({
    adminPassword: secrets.admin,
    demoPassword: secrets.demo,
    region,
    endpoints: catalog,
  });
  const request: IdentityCloud['request'] = (method, path, options) =>
    world.request('identity', method, path, options);
  const authenticate: IdentityCloud['authenticate'] = (user, scope) =>
    request('POST', '/v3/auth/tokens', {
      body: {
        auth: {
          identity: { methods: ['password'], password: { user } },
          ...(scope === undefined ? {} : { scope }),
        },
      },
    });
  const login: IdentityCloud['login'] = async (user, scope) => {
    const answered = await authenticate(user, scope);
    assert.equal(answered.status, 201, JSON.stringify(answered.body));
    return answered.headers.get('x-subject-token') as string;
  };
  const admin = await login(inDefault('admin', secrets.admin), { project: { id: made.adminProjectId } });
  const demo = await login(inDefault('demo', secrets.demo), { project: { id: made.demoProjectId } });
  return {
    world,
    admin,
    demo,
    ...made,
    request,
    login,
    authenticate,
    async make(path, one, body) {
      const answered = await request('POST', path, { as: admin, body: { [one]: body } });
      assert.equal(answered.status, 201, JSON.stringify(answered.body));
      return answered.body[one];
    },
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}
