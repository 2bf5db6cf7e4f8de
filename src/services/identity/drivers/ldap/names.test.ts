import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { below, isBelow, isSameName, nameKey, parseName } from './names.ts';

describe('distinguished names', () => {
  test('any value comes back as it was, and is one part', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (value) => {
        const name = parseName(below('cn', value, 'ou=Users,dc=example'));
        assert.equal(name.length, 3);
        assert.deepEqual(name[0], [{ type: 'cn', value }]);
      }),
    );
    for (const value of [
      'a,ou=admins',
      'a+uid=root',
      ' lead',
      'trail ',
      '#hash',
      ' ',
      '\\',
      '"q"',
      'a\0b',
      'a=b',
    ]) {
      assert.equal(parseName(below('cn', value, 'dc=x'))[0]?.[0]?.value, value, JSON.stringify(value));
    }
  });

  test('are read as RFC 4514 and its elders write them', () => {
    assert.deepEqual(parseName(String.raw`CN=Lu\C4\8Di\C4\87 , OU = "a, b" ;dc=x`), [
      [{ type: 'CN', value: 'Lučić' }],
      [{ type: 'OU', value: 'a, b' }],
      [{ type: 'dc', value: 'x' }],
    ]);
    assert.deepEqual(parseName('cn=a+uid=b,dc=x')[0], [
      { type: 'cn', value: 'a' },
      { type: 'uid', value: 'b' },
    ]);
    assert.deepEqual(parseName(''), []);
    for (const bad of ['nonsense', 'cn=a,', 'cn="a', 'cn=a\\', '=a']) {
      assert.throws(() => parseName(bad), SyntaxError, bad);
    }
  });

  test('are the same without regard to case, white space and the order of a joined part', () => {
    assert.ok(isSameName(parseName('CN=John  Doe,DC=X'), parseName('cn=john doe, dc=x')));
    assert.ok(isSameName(parseName('cn=a+uid=b,dc=x'), parseName('UID=B+CN=A,dc=x')));
    assert.ok(!isSameName(parseName('cn=a,dc=x'), parseName('cn=a,dc=y')));
    assert.ok(!isSameName(parseName('cn=a+uid=b'), parseName('cn=a+uid=c')));
    assert.equal(nameKey('CN=A+uid=b, dc=x'), nameKey('uid=B+cn=a,DC=X'));
    assert.notEqual(nameKey('cn=a,dc=x'), nameKey(String.raw`cn=a\,dc=x`));
  });

  test('are below another at any depth, and not below themselves', () => {
    const tree = parseName('ou=Users,dc=x');
    assert.ok(isBelow(parseName('cn=a,ou=b,OU=users,dc=x'), tree));
    assert.ok(!isBelow(tree, tree));
    assert.ok(!isBelow(parseName(String.raw`cn=a\,ou=Users,dc=x`), tree));
  });
});
