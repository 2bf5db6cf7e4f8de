import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointsForPolicy, type PolicyAssociation, policyFor } from './endpoint-policy.ts';

const regions = [
  { id: 'world', parent_region_id: null },
  { id: 'europe', parent_region_id: 'world' },
  { id: 'paris', parent_region_id: 'europe' },
  { id: 'this', parent_region_id: 'that' },
  { id: 'that', parent_region_id: 'this' },
];
const endpoint = { id: 'e1', service_id: 's1', region_id: 'paris' };
const holds = (policy_id: string, target: Partial<PolicyAssociation>): PolicyAssociation => ({
  policy_id,
  endpoint_id: null,
  service_id: null,
  region_id: null,
  ...target,
});
const ofService = holds('of-service', { service_id: 's1' });
const ofWorld = holds('of-world', { service_id: 's1', region_id: 'world' });
const ofEurope = holds('of-europe', { service_id: 's1', region_id: 'europe' });
const ofEndpoint = holds('of-endpoint', { endpoint_id: 'e1' });

test('the nearest policy holds: the endpoint’s, then that of its region, of those around it, of its service', () => {
  assert.equal(policyFor(endpoint, [ofService, ofWorld, ofEurope, ofEndpoint], regions), 'of-endpoint');
  assert.equal(policyFor(endpoint, [ofService, ofWorld, ofEurope], regions), 'of-europe');
  assert.equal(policyFor(endpoint, [ofService, ofWorld], regions), 'of-world');
  assert.equal(policyFor(endpoint, [ofService], regions), 'of-service');
  assert.equal(policyFor(endpoint, [], regions), undefined);
});

test('policies of other services and of regions elsewhere do not hold', () => {
  const others = [holds('x', { service_id: 's2' }), holds('y', { service_id: 's1', region_id: 'this' })];
  assert.equal(policyFor(endpoint, others, regions), undefined);
});

test('regions that stand in each other end the search', () => {
  assert.equal(policyFor({ ...endpoint, region_id: 'this' }, [ofWorld], regions), undefined);
});

test('a policy’s endpoints are those it can reach by any of its associations', () => {
  const endpoints = [
    endpoint,
    { id: 'e2', service_id: 's1', region_id: null },
    { id: 'e3', service_id: 's2', region_id: 'paris' },
  ];
  const ids = (associations: PolicyAssociation[]) =>
    endpointsForPolicy(associations, endpoints, regions).map((each) => each.id);
  assert.deepEqual(ids([ofService]), ['e1', 'e2']);
  assert.deepEqual(ids([ofWorld]), ['e1']);
  assert.deepEqual(ids([ofEndpoint, holds('of-endpoint', { endpoint_id: 'e3' })]), ['e1', 'e3']);
});
