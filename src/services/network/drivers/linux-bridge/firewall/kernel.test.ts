import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { run } from '../../../../../platform/exec/run.ts';
import { groupIds, groupsArbitrary, newGuestPort } from '../testing/arbitraries.ts';
import { newTag, whyNotLive } from '../testing/host.ts';
import { switchTransaction } from './switch-rules.ts';

describe('nft', { skip: whyNotLive() }, () => {
  const namespace = `nft-${newTag()}`;
  const nft = (input: string) =>
    run(['nsenter', `--net=/run/netns/${namespace}`, 'nft', '-f', '-'], { input });

  before(() => run(['ip', 'netns', 'add', namespace]));
  after(() => run(['ip', 'netns', 'delete', namespace]));

  it('takes every transaction that security groups can lead to, also over the last one', async () => {
    let tables: string[] = [];
    await fc.assert(
      fc.asyncProperty(groupsArbitrary, fc.subarray([...groupIds]), async (groups, ids) => {
        const pairs = [{ ip: '0.0.0.0/0' }, { ip: '10.0.0.0/24' }, { ip: 'fd00::/64' }];
        const ports = [
          newGuestPort('0001', { securityGroups: ids }),
          newGuestPort('0002', { securityGroups: ids, allowedAddressPairs: pairs }),
          newGuestPort('0003', { fixedIps: [] }),
        ];
        const state = { networks: [], ports, securityGroups: groups, dhcp: [], routers: [] };
        const numbers = { ofPort: (id: string) => Number(id), ofNetwork: () => 1 };
        const text = switchTransaction(state, numbers, tables);
        if (text === undefined) return;
        await nft(text);
        const { stdout } = await run(['nsenter', `--net=/run/netns/${namespace}`, 'nft', 'list', 'tables']);
        tables = stdout
          .split('\n')
          .map((line) => line.replace('table ', '').trim())
          .filter(Boolean);
        assert.equal(tables.length, 3, stdout);
        assert.equal(switchTransaction(state, numbers, tables), undefined);
      }),
      { numRuns: 60 },
    );
  });

  it('takes rules of every protocol that the API knows by name', async () => {
    const protocols = [
      'ah',
      'dccp',
      'egp',
      'esp',
      'gre',
      'icmp',
      'icmpv6',
      'igmp',
      'ipip',
      'ipv6-encap',
      'ipv6-frag',
      'ipv6-icmp',
      'ipv6-nonxt',
      'ipv6-opts',
      'ipv6-route',
      'ospf',
      'pgm',
      'rsvp',
      'sctp',
      'tcp',
      'udp',
      'udplite',
      'vrrp',
      '58',
      '1',
      '0',
      '255',
    ];
    const rules = (['IPv4', 'IPv6'] as const).flatMap((ethertype) =>
      protocols.map((protocol) => ({
        direction: 'ingress' as const,
        ethertype,
        protocol,
        portMin: 1,
        portMax: 2,
      })),
    );
    const group = { id: 'g1', rules, members: { IPv4: [], IPv6: [] } };
    const state = {
      networks: [],
      ports: [newGuestPort('0001', { securityGroups: ['g1'] })],
      securityGroups: [group],
      dhcp: [],
      routers: [],
    };
    const text = switchTransaction(state, { ofPort: () => 1, ofNetwork: () => 1 }, []);
    await nft(text?.replaceAll(/cumulet/g, 'protocols') ?? assert.fail('no transaction'));
  });
});
