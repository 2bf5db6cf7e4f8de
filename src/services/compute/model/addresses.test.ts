import assert from 'node:assert/strict';
import { it } from 'node:test';
import { canonicalIpv6 } from './addresses.ts';

it('writes IPv6 addresses as RFC 5952 does', () => {
  assert.equal(canonicalIpv6('0000:0000:0000:0000:0000:babe:220.12.22.2'), '::babe:dc0c:1602');
  assert.equal(canonicalIpv6('2001:DB8:0:0:1:0:0:1'), '2001:db8::1:0:0:1');
  assert.equal(canonicalIpv6(''), null);
});
