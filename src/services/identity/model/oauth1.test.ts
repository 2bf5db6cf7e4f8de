import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  isSigned,
  MalformedOAuth,
  parseOAuthHeader,
  type Signed,
  signature,
  signatureBase,
  stampOf,
} from './oauth1.ts';

/** The example of RFC 5849, section 1.2. */
const photos: Signed = {
  method: 'get',
  url: 'http://PHOTOS.example.net:80/photos?file=vacation.jpg&size=original',
  parameters: parseOAuthHeader(
    'OAuth realm="Photos", oauth_consumer_key="dpf43f3p2l4k3l03", oauth_token="nnch734d00sl2jdk", ' +
      'oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131202", oauth_nonce="chapoH", ' +
      'oauth_signature="MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D"',
  ) as Map<string, string>,
};
const secrets = { consumer: 'kd94hf93k423kf44', token: 'pfkkdhi9sl3r4s00' };

describe('OAuth 1.0a signatures', () => {
  it('are those of the RFC’s example', () => {
    assert.equal(signature(photos, secrets)?.toString('base64'), 'MdpQcU8iPSUjWoN/UDMsK2sui9I=');
    assert.ok(isSigned(photos, secrets));
  });

  it('sort parameters by their encoded names and values, as section 3.4.1.3.2 shows', () => {
    const parameters = parseOAuthHeader(
      'OAuth realm="Example", oauth_consumer_key="9djdj82h48djs9d2", oauth_token="kkk9d7dh3k39sjv7", ' +
        'oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131201", oauth_nonce="7d8f3e4a", ' +
        'oauth_signature="djosJKDKJSD8743243%2Fjdk33klY%3D"',
    ) as Map<string, string>;
    const url = 'http://example.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b&c2=&a3=2+q';
    assert.equal(
      signatureBase({ method: 'POST', url, parameters }),
      'POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7',
    );
  });

  it('hold for nothing but what was signed', () => {
    assert.ok(!isSigned(photos, { ...secrets, token: 'another' }));
    assert.ok(!isSigned(photos, { ...secrets, consumer: 'another' }));
    assert.ok(!isSigned({ ...photos, method: 'POST' }, secrets));
    assert.ok(!isSigned({ ...photos, url: `${photos.url}&more=1` }, secrets));
    const without = new Map([...photos.parameters].filter(([name]) => name !== 'oauth_signature'));
    assert.ok(!isSigned({ ...photos, parameters: without }, secrets));
    const plain = new Map([...without, ['oauth_signature_method', 'PLAINTEXT']]);
    plain.set('oauth_signature', `${secrets.consumer}&${secrets.token}`);
    assert.ok(!isSigned({ ...photos, parameters: plain }, secrets));
  });
});

describe('OAuth headers', () => {
  it('are read whole or not at all', () => {
    assert.equal(parseOAuthHeader(undefined), undefined);
    assert.equal(parseOAuthHeader('Basic abc'), undefined);
    for (const bad of ['OAuth a', 'OAuth a="1" b="2"', 'OAuth a="1", a="2"', 'OAuth a="%"', 'OAuth a="1'])
      assert.throws(() => parseOAuthHeader(bad), MalformedOAuth, bad);
  });

  it('are good for ten minutes, on both sides of now', () => {
    const good = new Map(photos.parameters).set('oauth_timestamp', '1700000000');
    assert.deepEqual(stampOf(good, 1_700_000_600), {
      consumerId: 'dpf43f3p2l4k3l03',
      nonce: 'chapoH',
      timestamp: 1_700_000_000,
    });
    assert.throws(() => stampOf(good, 1_700_000_601), /differ/);
    assert.throws(() => stampOf(good, 1_699_999_399), /differ/);
    for (const [name, value] of [
      ['oauth_timestamp', '17'],
      ['oauth_timestamp', '1.00000000'],
      ['oauth_version', '2.0'],
      ['oauth_nonce', ''],
      ['oauth_nonce', 'n'.repeat(256)],
      ['oauth_signature_method', 'PLAINTEXT'],
    ] as const) {
      assert.throws(() => stampOf(new Map(good).set(name, value), 1_700_000_000), MalformedOAuth, name);
    }
  });
});
