import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { admin, member, reader, stranger } from '../../../platform/service/testing/world.ts';
import { type NetworkWorld, startNetwork } from '../testing/cloud.ts';

describe('address groups', () => {
  let cloud: NetworkWorld;
  before(async () => {
    cloud = await startNetwork();
    await cloud.host();
  });
  after(() => cloud[Symbol.asyncDispose]());

  const change = (id: string, verb: 'add' | 'remove', addresses: string[], as = member) =>
    cloud.call('PUT', `/address-groups/${id}/${verb}_addresses`, { addresses }, as);
  const problem = ({ status, body }: { status: number; body: { NeutronError: { type: string } } }) => [
    status,
    body.NeutronError.type,
  ];
  const ruleAbout = async (group: string, more: object = {}) => {
    const { id } = await cloud.make('security_group', { name: 'g' });
    return cloud.make('security_group_rule', {
      security_group_id: id,
      direction: 'ingress',
      remote_address_group_id: group,
      ...more,
    });
  };

  it('hold addresses and blocks, each once, as networks', async () => {
    const made = await cloud.make('address_group', {
      name: 'a',
      addresses: ['10.0.0.1', '10.1.2.3/16', '10.0.0.1'],
    });
    assert.deepEqual(made['addresses'], ['10.0.0.1/32', '10.1.0.0/16']);
    const more = await change(made['id'], 'add', ['2001:db8::1']);
    assert.deepEqual(more.body.address_group.addresses.at(-1), '2001:db8::1/128');
    assert.equal(more.body.address_group.revision_number, made['revision_number'] + 1);
    assert.deepEqual(problem(await change(made['id'], 'add', ['10.0.0.1'])), [400, 'AddressesAlreadyExist']);
    assert.deepEqual(problem(await change(made['id'], 'remove', ['10.9.9.9'])), [404, 'AddressesNotFound']);
    assert.deepEqual(problem(await change(made['id'], 'add', ['x'])), [400, 'HTTPBadRequest']);
    const less = await change(made['id'], 'remove', ['10.1.0.0/16', '2001:db8::1/128']);
    assert.deepEqual(less.body.address_group.addresses, ['10.0.0.1/32']);
  });

  it('are for their project and those with whom they are shared', async () => {
    const { id } = await cloud.make('address_group', { addresses: [] });
    assert.equal((await cloud.call('GET', `/address-groups/${id}`, undefined, stranger)).status, 404);
    assert.equal((await change(id, 'add', ['10.0.0.1'], stranger)).status, 404);
    assert.equal((await change(id, 'add', ['10.0.0.1'], reader)).status, 403);
    const { id: group } = await cloud.make('security_group', { name: 'theirs' }, stranger);
    const rule = { security_group_id: group, direction: 'ingress', remote_address_group_id: id };
    const asked = () => cloud.call('POST', '/security-group-rules', { security_group_rule: rule }, stranger);
    assert.deepEqual(problem(await asked()), [404, 'AddressGroupNotFound']);
    const policy = { object_type: 'address_group', object_id: id, action: 'access_as_shared' };
    await cloud.make('rbac_policy', { ...policy, target_tenant: stranger.projectId }, admin);
    assert.equal((await asked()).status, 201);
    assert.equal((await cloud.show('address_group', id, stranger))['shared'], true);
    assert.equal((await change(id, 'add', ['10.0.0.1'], stranger)).status, 403);
  });

  it('stay as long as a rule names them, which names nothing else', async () => {
    const { id } = await cloud.make('address_group', { addresses: ['10.0.0.1'] });
    const rule = await ruleAbout(id);
    assert.equal(rule['remote_address_group_id'], id);
    const gone = () => cloud.call('DELETE', `/address-groups/${id}`);
    assert.deepEqual(problem(await gone()), [409, 'AddressGroupInUse']);
    await assert.rejects(
      ruleAbout(id, { remote_ip_prefix: '10.0.0.0/8' }),
      /SecurityGroupMultipleRemoteEntites/,
    );
    assert.equal((await cloud.call('DELETE', `/security-group-rules/${rule['id']}`)).status, 204);
    assert.equal((await gone()).status, 204);
  });

  it('are what their rules let through on hosts', async () => {
    const { id } = await cloud.make('address_group', { addresses: ['10.0.0.0/24', '2001:db8::/64'] });
    const rule = await ruleAbout(id);
    const net = await cloud.make('network', {});
    await cloud.make('subnet', { network_id: net['id'], ip_version: 4, cidr: '10.0.0.0/24' });
    const port = {
      network_id: net['id'],
      project_id: member.projectId,
      security_groups: [rule['security_group_id']],
      'binding:host_id': 'host-1',
    };
    await cloud.make('port', port, admin);
    const state = async () => (await cloud.service.hostState({ host: 'host-1' })).securityGroups;
    const ruleOnHost = (await state())
      .find((group) => group.id === rule['security_group_id'])
      ?.rules.find(({ direction }) => direction === 'ingress');
    assert.equal(ruleOnHost?.remoteGroupId, id);
    const members = async () => (await state()).find((group) => group.id === id)?.members;
    assert.deepEqual(await members(), { IPv4: ['10.0.0.0/24'], IPv6: ['2001:db8::/64'] });
    await change(id, 'remove', ['10.0.0.0/24']);
    assert.deepEqual(await members(), { IPv4: [], IPv6: ['2001:db8::/64'] });
  });
});
