import assert from 'node:assert/strict';
import { isIPv6, SocketAddress } from 'node:net';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  addressKey,
  addressOfKey,
  formatAddress,
  formatCidr,
  parseAddress,
  parseCidr,
  slaacAddress,
} from './addresses.ts';

const v6 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });

describe('addresses', () => {
  it('are the same after being written and read', () => {
    fc.assert(
      fc.property(v6, (value) => {
        const text = formatAddress({ version: 6, value });
        assert.ok(isIPv6(text));
        assert.deepEqual(parseAddress(text), { version: 6, value });
        assert.deepEqual(addressOfKey(addressKey({ version: 6, value })), { version: 6, value });
      }),
    );
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        assert.equal(formatAddress(parseAddress(text) as NonNullable<ReturnType<typeof parseAddress>>), text);
      }),
    );
  });

  it('are written as the platform writes them', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const parsed = parseAddress(text);
        assert.ok(parsed);
        // Node writes addresses with an IPv4 part in dots (RFC 5952, section 5); they are compared by value.
        const node = new SocketAddress({ address: text, family: 'ipv6' }).address;
        assert.deepEqual(parseAddress(node), parsed);
        if (!node.includes('.')) assert.equal(formatAddress(parsed), node);
      }),
    );
  });

  it('sort by their keys', () => {
    fc.assert(
      fc.property(v6, v6, (a, b) => {
        const key = (value: bigint) => addressKey({ version: 6, value });
        assert.equal(key(a) < key(b), a < b);
      }),
    );
  });

  it('follow from the MAC in prefixes of 64 bits', () => {
    const cidr = parseCidr('2001:db8::/64');
    assert.ok(cidr);
    assert.equal(formatAddress(slaacAddress(cidr, 'fa:16:3e:01:02:03')), '2001:db8::f816:3eff:fe01:203');
  });

  it('of networks lose what is behind the prefix', () => {
    const cidr = parseCidr('10.1.2.3/8');
    assert.equal(cidr && formatCidr(cidr), '10.0.0.0/8');
    for (const bad of [
      '10.0.0.0',
      '10.0.0.0/33',
      '10.0.0/8',
      '::/129',
      'x/1',
      '1.2.3.4/5/6',
      '192.168.1./24',
    ]) {
      assert.equal(parseCidr(bad), undefined, bad);
    }
  });
});
