import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HostDhcp, HostDhcpHost } from '../../driver.ts';
import { dhcpConfiguration } from './configuration.ts';

const host = (more: Partial<HostDhcpHost> = {}): HostDhcpHost => ({
  portId: 'port-1',
  mac: 'fa:16:3e:00:00:02',
  addresses: [{ ip: '10.0.0.3', subnetId: 's1', hostname: 'web' }],
  options: [],
  ...more,
});
const four = {
  id: 's1',
  cidr: '10.0.0.0/24',
  ipVersion: 4 as const,
  gateway: '10.0.0.1',
  dns: ['192.0.2.1', '192.0.2.2'],
  hostRoutes: [{ destination: '10.9.0.0/16', nexthop: '10.0.0.9' }],
};
const six = (id: string, dhcp6?: 'stateful' | 'stateless') => ({
  id,
  cidr: `fd00:${id.replace(/\D/g, '')}::/64`,
  ipVersion: 6 as const,
  dns: ['fd00::53'],
  hostRoutes: [],
  ...(dhcp6 ? { dhcp6 } : {}),
});
const dhcp: HostDhcp = {
  networkId: 'n1',
  portId: 'p1',
  portMac: 'fa:16:3e:00:00:01',
  ips: [{ ip: '10.0.0.2', cidr: '10.0.0.0/24' }],
  subnets: [four],
  hosts: [],
  domain: 'cloud.test.',
  lease: { duration: 86_400, renewal: 0, rebinding: 0 },
  isolatedMetadata: false,
};
const made = (more: Partial<HostDhcp>) => dhcpConfiguration({ ...dhcp, ...more }, 1450, '/d', 'dnsmasq');
const opts = (more: Partial<HostDhcp>) => made(more).reread.opts;

describe('the DHCP server’s configuration', () => {
  it('keeps the default route where a client gets routes and so ignores its router', () => {
    assert.match(opts({}), /^tag:ss1,121,10\.9\.0\.0\/16,10\.0\.0\.9,0\.0\.0\.0\/0,10\.0\.0\.1$/m);
    assert.match(opts({}), /^tag:ss1,249,/m);
    assert.match(made({}).options, /^dhcp-option-force=26,1450$/m);
  });

  it('takes the default route from a host route where there is no gateway, and else no router', () => {
    const { gateway: _, ...closed } = four;
    const routes = [{ destination: '0.0.0.0/0', nexthop: '10.0.0.7' }];
    assert.match(opts({ subnets: [{ ...closed, hostRoutes: routes }] }), /^tag:ss1,3,10\.0\.0\.7$/m);
    assert.match(opts({ subnets: [{ ...closed, hostRoutes: [] }] }), /^tag:ss1,3$/m);
  });

  it('routes the metadata address to itself where it answers it, and other subnets onto the wire', () => {
    assert.match(opts({ isolatedMetadata: true }), /169\.254\.169\.254\/32,10\.0\.0\.2/);
    const other = { ...four, id: 's2', cidr: '10.0.1.0/24', hostRoutes: [] };
    assert.match(opts({ subnets: [four, other] }), /^tag:ss1,121,10\.0\.1\.0\/24,0\.0\.0\.0,/m);
  });

  it('names no DNS server where 0.0.0.0 is one', () => {
    assert.match(opts({ subnets: [{ ...four, dns: ['0.0.0.0'] }] }), /^tag:ss1,6$/m);
  });

  it('needs a new server for what it reads at start, not for hosts, options and names', () => {
    const { optionsName } = made({});
    const options = [{ name: 'mtu', value: '1400', ipVersion: 4 as const }];
    assert.equal(made({ hosts: [host()] }).optionsName, optionsName);
    const other = [{ name: 'mtu', value: '1300', ipVersion: 4 as const }];
    const tagged = made({ hosts: [host({ options })] });
    assert.match(tagged.options, /^dhcp-mac=set:pport-1,fa:16:3e:00:00:02$/m);
    assert.equal(made({ hosts: [host({ options: other })] }).optionsName, tagged.optionsName);
    assert.equal(made({ subnets: [{ ...four, dns: [], gateway: '10.0.0.9' }] }).optionsName, optionsName);
    assert.notEqual(made({ domain: 'other' }).optionsName, optionsName);
    assert.notEqual(made({ lease: { ...dhcp.lease, duration: 60 } }).optionsName, optionsName);
  });

  it('tells how long leases are good', () => {
    assert.match(made({}).options, /^dhcp-range=set:ss1,10\.0\.0\.0,static,255\.255\.255\.0,86400s$/m);
    const { options } = made({ lease: { duration: -1, renewal: 30, rebinding: 40 } });
    assert.match(options, /,infinite$/m);
    assert.match(options, /^dhcp-option-force=option:T1,30s\ndhcp-option-force=option:T2,40s$/m);
  });

  it('gives a port its own options, by name or number, for the family that it has', () => {
    const option = (name: string, value: string, ipVersion: 4 | 6 = 4) => ({ name, value, ipVersion });
    const options = [
      option('bootfile-name', 'pxelinux.0'),
      option('150', '192.0.2.9'),
      option('tag:ipxe,bootfile-name', 'http://192.0.2.9/boot'),
      option('router', ''),
      option('dns-server', '[fd00::9]', 6),
    ];
    assert.deepEqual(opts({ subnets: [], hosts: [host({ options })] }).split('\n'), [
      'tag:pport-1,option:bootfile-name,pxelinux.0',
      'tag:pport-1,150,192.0.2.9',
      'tag:pport-1,tag:ipxe,option:bootfile-name,http://192.0.2.9/boot',
      'tag:pport-1,option:router',
      '',
    ]);
    const { hosts } = made({ hosts: [host({ options })] }).reread;
    assert.equal(hosts, 'fa:16:3e:00:00:02,10.0.0.3,web\n');
  });

  it('knows a port by the client id that it was given', () => {
    const options = [{ name: 'client-id', value: 'ff:00:01', ipVersion: 4 as const }];
    const { hosts, opts: told } = made({ hosts: [host({ options })] }).reread;
    assert.equal(hosts, 'fa:16:3e:00:00:02,id:ff:00:01,10.0.0.3,web\n');
    assert.doesNotMatch(told, /client-id/);
  });

  it('gives addresses by DHCPv6 where a subnet is stateful, options where it is stateless, nothing else', () => {
    const addresses = [1, 2, 3].map((n) => ({ ip: `fd00:${n}::9`, subnetId: `s${n}`, hostname: 'web' }));
    const subnets = [six('s1', 'stateful'), six('s2', 'stateless'), six('s3')];
    const plain = made({ subnets, hosts: [host({ addresses })] });
    assert.equal(plain.reread.hosts, 'fa:16:3e:00:00:02,tag:dhcpv6,[fd00:1::9],web\n');
    assert.match(plain.options, /^dhcp-range=set:ss1,fd00:1::,static,64,86400s$/m);
    assert.match(plain.options, /^dhcp-range=set:ss2,/m);
    assert.doesNotMatch(plain.options, /set:ss3/);
    assert.doesNotMatch(plain.reread.opts, /ss3/);
    assert.match(plain.reread.opts, /^tag:ss2,option6:dns-server,\[fd00::53\]$/m);
    assert.match(plain.reread.opts, /^tag:ss2,option6:domain-search,cloud\.test$/m);
    const options = [{ name: 'sntp-server', value: 'fd00::7', ipVersion: 6 as const }];
    const [, stateless] = subnets;
    assert.ok(stateless);
    const told = made({
      subnets: [stateless],
      hosts: [host({ addresses: addresses.slice(1), options })],
    }).reread;
    assert.equal(told.hosts, '');
    assert.match(told.opts, /^tag:pport-1,option6:sntp-server,fd00::7$/m);
  });

  it('knows the names of all addresses', () => {
    const addresses = [
      { ip: '10.0.0.3', subnetId: 's1', hostname: 'web' },
      { ip: 'fd00:3::9', subnetId: 's3', hostname: 'web' },
    ];
    const { names } = made({ subnets: [four, six('s3')], hosts: [host({ addresses })] }).reread;
    assert.equal(names, '10.0.0.3 web.cloud.test web\nfd00:3::9 web.cloud.test web\n');
  });

  it('lets nobody say more than a name or a value', () => {
    const name = { ip: '10.0.0.3', subnetId: 's1', hostname: 'a,set:x\nb' };
    const options = [
      { name: 'mtu\ntag:x', value: '1', ipVersion: 4 as const },
      { name: 'mtu', value: '1400\ntag:other,3,10.0.0.66', ipVersion: 4 as const },
      { name: 'client-id', value: 'x,set:other', ipVersion: 4 as const },
    ];
    const { hosts, opts: told } = made({
      hosts: [host({ addresses: [name], options })],
      subnets: [four],
    }).reread;
    assert.equal(hosts, 'fa:16:3e:00:00:02,10.0.0.3,a-set-x-b\n');
    assert.match(told, /^tag:pport-1,option:mtu,1400$/m);
    assert.doesNotMatch(told, /other|tag:x/);
  });
});
