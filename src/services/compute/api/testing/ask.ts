import { type Answered, admin, type Caller, type World } from '../../../../platform/service/testing/world.ts';

export interface Asked {
  /** Default: the administrator. */
  as?: Caller;
  /** The microversion; default 2.1. */
  at?: string;
  body?: unknown;
}

/** Requests to compute in a test: `ask('GET', '/flavors', { at: '2.75' })`. */
export const asking =
  (world: () => World) =>
  (method: string, path: string, { as = admin, at = '2.1', body }: Asked = {}): Promise<Answered> =>
    world().request('compute', method, `/v2.1${path}`, {
      as,
      body,
      headers: { 'openstack-api-version': `compute ${at}` },
    });
