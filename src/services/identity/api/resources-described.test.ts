import assert from 'node:assert/strict';
import { after } from 'node:test';
import { describeResources } from '../../../platform/resource/testing/describe-resources.ts';
import { fresh } from '../../../platform/resource/testing/values.ts';
import { startIdentity } from '../testing/cloud.ts';

const cloud = await startIdentity();
after(() => cloud[Symbol.asyncDispose]());

const domains = await Promise.all(
  ['one', 'other'].map((name) => cloud.make('/v3/domains', 'domain', { name: `described-${name}` })),
);
const services = await Promise.all(
  ['one', 'other'].map((type) => cloud.make('/v3/services', 'service', { type: `described-${type}` })),
);
const regions = await Promise.all(
  ['one', 'other'].map((id) => cloud.make('/v3/regions', 'region', { id: `described-${id}` })),
);
/** Each of some in turn. */
const inTurn = (some: readonly { id: string }[]) => () => some[fresh() % some.length]?.id;
const aDomain = inTurn(domains);
const aRegion = inTurn(regions);

async function post(many: string, one: object): Promise<{ id: string }> {
  const answered = await cloud.request('POST', `/v3/${many}`, { as: cloud.admin, body: { [many]: [one] } });
  assert.equal(answered.status, 201, JSON.stringify(answered.body));
  return answered.body[many][0];
}
const mappingRules = [{ local: [{ user: { name: '{0}' } }], remote: [{ type: 'user' }] }];
/** What is made by the id that the client chooses. */
async function put(one: string, body: object): Promise<{ id: string }> {
  const path = `/v3/OS-FEDERATION/${one}s/described-${fresh()}`;
  const answered = await cloud.request('PUT', path, { as: cloud.admin, body: { [one]: body } });
  assert.equal(answered.status, 201, JSON.stringify(answered.body));
  return answered.body[one];
}
const resourceName = () => `described-${fresh()}`;
async function registerLimit(name = resourceName()): Promise<{ id: string }> {
  const limit = { service_id: services[0]?.id, resource_name: name, default_limit: 3 };
  return post('registered_limits', limit);
}
async function aLimit(): Promise<string> {
  const resource_name = resourceName();
  await registerLimit(resource_name);
  const own = { project_id: cloud.demoProjectId, service_id: services[0]?.id };
  return (await post('limits', { ...own, resource_name, resource_limit: 5 })).id;
}

describeResources(cloud.world, 'identity', {
  '*': { adds: ['links'] },
  user: {
    samples: { domain_id: aDomain },
    sometimes: ['default_project_id', 'description', 'federated'],
    untried: { federated: 'its providers must be there: user-federated.test has it' },
  },
  group: { samples: { domain_id: aDomain } },
  project: {
    samples: { domain_id: aDomain, parent_id: () => cloud.demoProjectId },
    untried: { is_domain: 'a project that is a domain has neither domain nor parent: domains.test has them' },
  },
  domain: {
    untried: { explicit_domain_id: 'it is a UUID and not shown: domain-configurations.test has it' },
    beforeDelete: { enabled: false },
  },
  role: { samples: { domain_id: aDomain } },
  service: { sometimes: ['description'] },
  endpoint: {
    samples: { service_id: inTurn(services), region_id: aRegion, region: aRegion },
    touches: ['region', 'region_id'],
  },
  registered_limit: {
    existing: async () => (await registerLimit()).id,
    samples: { service_id: inTurn(services), region_id: aRegion },
    // What is limited, and how much of it everybody has, is there for all to read, as upstream.
    open: ['list', 'show'],
    openToMembers: ['list', 'show'],
  },
  limit: { existing: aLimit },
  endpoint_group: {
    samples: { filters: () => ({ interface: ['public', 'internal', 'admin'][fresh() % 3] }) },
  },
  identity_provider: { existing: async () => (await put('identity_provider', {})).id },
  consumer: {
    existing: async () => (await cloud.make('/v3/OS-OAUTH1/consumers', 'consumer', {})).id,
  },
  mapping: { existing: async () => (await put('mapping', { rules: mappingRules })).id },
  service_provider: {
    existing: async () =>
      (await put('service_provider', { auth_url: 'https://sp.example/a', sp_url: 'https://sp.example/s' }))
        .id,
  },
  // The catalog's regions are there for everybody, as upstream.
  region: { samples: { parent_region_id: aRegion }, open: ['list', 'show'], openToMembers: ['list', 'show'] },
});
