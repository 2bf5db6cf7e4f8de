import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { accessRulesAllow, pathMatches } from './access-rules.ts';

describe('the path of an access rule', () => {
  it('means itself, a segment by * or {name}, and anything by **', () => {
    const cases: [string, string, boolean][] = [
      ['/v2.1/servers', '/v2.1/servers', true],
      ['/v2.1/servers', '/v2.1/servers/1', false],
      ['/v2.1/servers', '/v2x1/servers', false],
      ['/v2.1/servers/*', '/v2.1/servers/1', true],
      ['/v2.1/servers/*', '/v2.1/servers/', false],
      ['/v2.1/servers/*', '/v2.1/servers/1/ips', false],
      ['/v2.1/servers/{id}/ips', '/v2.1/servers/1/ips', true],
      ['/v2.1/servers/{id}/ips', '/v2.1/servers/1/2/ips', false],
      ['/v2.1/**', '/v2.1/servers/1/ips', true],
      ['/v2.1/**', '/v2.1/', true],
      ['/**/ips', '/v2.1/servers/1/ips', true],
      ['/**/ips', '/v2.1/servers/1', false],
    ];
    for (const [pattern, path, expected] of cases)
      assert.equal(pathMatches(pattern, path), expected, `${pattern} ${path}`);
  });

  it('matches what the same regular expression matches', () => {
    const piece = fc.constantFrom('a', 'b', '/', '*', '**', '{x}');
    const pattern = fc.array(piece, { maxLength: 6 }).map((pieces) => `/${pieces.join('')}`);
    const path = fc
      .array(fc.constantFrom('a', 'b', '/'), { maxLength: 8 })
      .map((some) => `/${some.join('')}`);
    fc.assert(
      fc.property(pattern, path, (given, asked) => {
        const source = given.replaceAll(/\{x\}|\*\*|\*/g, (token) => (token === '**' ? '.*' : '[^/]+'));
        // Three stars in a row are read from the left here and there.
        fc.pre(!given.includes('***'));
        assert.equal(pathMatches(given, asked), new RegExp(`^${source}$`).test(asked));
      }),
    );
  });

  it('is answered soon for a pattern made to take long', () => {
    assert.equal(pathMatches(`/${'**a'.repeat(70)}`, `/${'a'.repeat(4000)}b`), false);
  });
});

describe('access rules', () => {
  const accessRules = [{ service: 'compute', method: 'GET', path: '/v2.1/servers' }];
  const request = { service: 'compute', method: 'GET', path: '/v2.1/servers' };

  it('let through what one of them means, and nothing else', () => {
    assert.equal(accessRulesAllow({ accessRules, serviceRoles: [] }, request), true);
    for (const other of [{ service: 'image' }, { method: 'POST' }, { path: '/v2.1/flavors' }])
      assert.equal(accessRulesAllow({ accessRules, serviceRoles: [] }, { ...request, ...other }), false);
  });

  it('bind only whose token has them, and only where a chain of requests begins', () => {
    const other = { ...request, method: 'DELETE' };
    assert.equal(accessRulesAllow({ serviceRoles: [] }, other), true);
    assert.equal(accessRulesAllow({ accessRules, serviceRoles: ['service'] }, other), true);
  });

  it('never stand in the way of validating a token', () => {
    const validation = { service: 'identity', method: 'GET', path: '/v3/auth/tokens' };
    assert.equal(accessRulesAllow({ accessRules, serviceRoles: [] }, validation), true);
  });
});
