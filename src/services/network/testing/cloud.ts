import assert from 'node:assert/strict';
import {
  type Answered,
  type Caller,
  member,
  startWorld,
  type World,
} from '../../../platform/service/testing/world.ts';
import { type NetworkService, networkService } from '../contract.ts';
import { network } from '../service.ts';

type Json = Record<string, any>; // oxlint-disable-line typescript/no-explicit-any

/** A network service with its API, and words for what tests do with it all the time. */
export interface NetworkWorld extends World {
  service: NetworkService;
  /** A request below `/v2.0`. */
  call(
    method: string,
    path: string,
    body?: unknown,
    as?: Caller,
    headers?: Record<string, string>,
  ): Promise<Answered>;
  /** Makes something and gives it as it is shown. */
  make(kind: string, body: object, as?: Caller): Promise<Json>;
  /** What a GET gives, unwrapped. */
  show(kind: string, id: string, as?: Caller): Promise<Json>;
  /** The agents of a host say that they live. */
  host(name?: string): Promise<void>;
}

const paths: Record<string, string> = {
  security_group: 'security-groups',
  security_group_rule: 'security-group-rules',
  rbac_policy: 'rbac-policies',
  address_group: 'address-groups',
};
const pathOf = (kind: string): string => `/${paths[kind] ?? `${kind}s`}`;

/** @param settings those of the section `network` that are not as usual */
export async function startNetwork(settings: Record<string, unknown> = {}): Promise<NetworkWorld> {
  const world = await startWorld([network], { settings });
  const service = world.bus.client(networkService);
  const call: NetworkWorld['call'] = (method, path, body, as = member, headers = {}) =>
    world.request('network', method, `/v2.0${path}`, { as, body, headers });
  return {
    ...world,
    service,
    call,
    async make(kind, body, as) {
      const made = await call('POST', pathOf(kind), { [kind]: body }, as);
      assert.equal(made.status, 201, JSON.stringify(made.body));
      return made.body[kind] as Json;
    },
    async show(kind, id, as) {
      const shown = await call('GET', `${pathOf(kind)}/${id}`, undefined, as);
      assert.equal(shown.status, 200, JSON.stringify(shown.body));
      return shown.body[kind] as Json;
    },
    async host(name = 'host-1') {
      const life = { host: name, configurations: {}, startedAt: new Date().toISOString() };
      await service.heartbeat({ ...life, binary: 'neutron-linuxbridge-agent', type: 'Linux bridge agent' });
      await service.heartbeat({ ...life, binary: 'neutron-dhcp-agent', type: 'DHCP agent' });
      await service.heartbeat({ ...life, binary: 'neutron-l3-agent', type: 'L3 agent' });
    },
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}
