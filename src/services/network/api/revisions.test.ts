import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { member } from '../../../platform/service/testing/world.ts';
import { type NetworkWorld, startNetwork } from '../testing/cloud.ts';

describe('revisions', () => {
  let cloud: NetworkWorld;
  before(async () => {
    cloud = await startNetwork();
  });
  after(() => cloud[Symbol.asyncDispose]());

  const matching = (revision: unknown) => ({ 'if-match': `revision_number=${revision}` });

  /** One of everything that has revisions, each by its kind. */
  async function everything() {
    const outside = await cloud.make(
      'network',
      { 'router:external': true, shared: false },
      { ...member, roles: ['admin', 'member', 'reader'] },
    );
    await cloud.make('subnet', { network_id: outside['id'], ip_version: 4, cidr: '203.0.113.0/24' });
    const network = await cloud.make('network', {});
    const on = { network_id: network['id'] };
    return {
      network,
      subnet: await cloud.make('subnet', { ...on, ip_version: 4, cidr: '10.0.0.0/24' }),
      port: await cloud.make('port', on),
      router: await cloud.make('router', {}),
      security_group: await cloud.make('security_group', { name: 'g' }),
      subnetpool: await cloud.make('subnetpool', { name: 'p', prefixes: ['10.0.0.0/8'] }),
      floatingip: await cloud.make('floatingip', { floating_network_id: outside['id'] }),
    };
  }
  const pathOf = (kind: string, id: string) => `/${kind.replaceAll('_', '-')}s/${id}`;

  it('let one of several change what all have seen, of every resource', async () => {
    for (const [kind, { id }] of Object.entries(await everything())) {
      const path = pathOf(kind, id);
      const seen = (await cloud.show(kind, id))['revision_number'];
      const answers = await Promise.all(
        ['one', 'two', 'three'].map((description) =>
          cloud.call('PUT', path, { [kind]: { description } }, member, matching(seen)),
        ),
      );
      assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 412, 412], kind);
      const refused = answers.find(({ status }) => status === 412)?.body.NeutronError;
      assert.equal(refused.type, 'RevisionNumberConstraintFailed');
      assert.equal(refused.message, `Constrained to ${seen}, but current revision is ${seen + 1}`);
      const late = await cloud.call('DELETE', path, undefined, member, matching(seen));
      assert.equal(late.status, 412, kind);
    }
  });

  it('grow with each change, also when changes come at the same time', async () => {
    for (const [kind, { id }] of Object.entries(await everything())) {
      const seen = (await cloud.show(kind, id))['revision_number'];
      const change = (n: number) => cloud.call('PUT', pathOf(kind, id), { [kind]: { description: `${n}` } });
      await Promise.all([1, 2, 3, 4].map(change));
      assert.equal((await cloud.show(kind, id))['revision_number'], seen + 4, kind);
    }
  });

  it('guard tags and the actions of routers, too', async () => {
    const { router, subnet } = await everything();
    const path = `/routers/${router['id']}`;
    const tag = (name: string) => cloud.call('PUT', `${path}/tags/${name}`, undefined, member, matching(0));
    const [first, second] = await Promise.all([tag('red'), tag('blue')]);
    assert.deepEqual([first.status, second.status].toSorted(), [201, 412]);
    const connect = (revision: number) =>
      cloud.call(
        'PUT',
        `${path}/add_router_interface`,
        { subnet_id: subnet['id'] },
        member,
        matching(revision),
      );
    assert.equal((await connect(0)).status, 412);
    assert.equal((await connect(1)).status, 200);
  });

  it('must be numbers, and one', async () => {
    const { network } = await everything();
    for (const [header, problem] of [
      ['revision_number=x', /must be in the format of revision_number=<int>/],
      ['"revision_number=1", "revision_number=2"', /Multiple revision_number etags/],
    ] as const) {
      const refused = await cloud.call(
        'PUT',
        `/networks/${network['id']}`,
        { network: { name: 'x' } },
        member,
        {
          'if-match': header,
        },
      );
      assert.equal(refused.status, 400);
      assert.match(refused.body.NeutronError.message, problem);
    }
  });
});
