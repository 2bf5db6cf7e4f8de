import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { constants, createCipheriv, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { inflateRawSync } from 'node:zlib';
import type { Answered } from '../../../../platform/service/testing/world.ts';
import { type IdentityCloud, startIdentity } from '../../testing/cloud.ts';
import { assertionXml, testEntity as entity, responseXml, signed } from '../testing/saml-provider.ts';
import { type SamlKeys, samlKeys } from './keys.ts';
import { namespaces } from './xml.ts';

const exec = promisify(execFile);
const hasXmlsec = await exec('xmlsec1', ['--version']).then(
  () => true,
  () => false,
);
const xmlsec = { skip: !hasXmlsec && 'xmlsec1 is not installed' };
const entryOf = (idp: string) => `/v3/OS-FEDERATION/identity_providers/${idp}/protocols/saml2/auth`;
const enc = 'http://www.w3.org/2001/04/xmlenc#';
const enc11 = 'http://www.w3.org/2009/xmlenc11#';
const oaep = `${enc}rsa-oaep-mgf1p`;

/** XML Encryption of an assertion, with places for what is encrypted. */
const sealedXml = (cipher: string, transport: string, { method = '', key = '', content = '' } = {}): string =>
  `<saml:EncryptedAssertion xmlns:saml="${namespaces.assertion}"><xenc:EncryptedData xmlns:xenc="${enc}" Type="${enc}Element">` +
  `<xenc:EncryptionMethod Algorithm="${cipher}"/><ds:KeyInfo xmlns:ds="${namespaces.signature}"><xenc:EncryptedKey>` +
  `<xenc:EncryptionMethod Algorithm="${transport}">${method}</xenc:EncryptionMethod>` +
  `<xenc:CipherData><xenc:CipherValue>${key}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo>` +
  `<xenc:CipherData><xenc:CipherValue>${content}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData></saml:EncryptedAssertion>`;

/** As a provider without xmlsec1 does it. */
function sealed(
  text: string,
  { certificate }: SamlKeys,
  { cipher = 'gcm', transport = oaep, hash = 'sha1', method = '' } = {},
): string {
  const key = randomBytes(32);
  const iv = randomBytes(cipher === 'gcm' ? 12 : 16);
  let content: Buffer;
  if (cipher === 'gcm') {
    const gcm = createCipheriv('aes-256-gcm', key, iv);
    content = Buffer.concat([iv, gcm.update(text), gcm.final(), gcm.getAuthTag()]);
  } else {
    const cbc = createCipheriv('aes-256-cbc', key, iv);
    content = Buffer.concat([iv, cbc.update(text), cbc.final()]);
  }
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  const sealedKey = publicEncrypt({ key: createPublicKey(certificate), padding, oaepHash: hash }, key);
  return sealedXml(cipher === 'gcm' ? `${enc11}aes256-gcm` : `${enc}aes256-cbc`, transport, {
    method,
    key: sealedKey.toString('base64'),
    content: content.toString('base64'),
  });
}

describe('SAML with a key of our own', () => {
  let cloud: IdentityCloud;
  let directory: string;
  /** The provider's. */
  let theirs: SamlKeys;
  /** Ours. */
  let ours: SamlKeys;
  let acs: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cumulet-saml-'));
    const make = (name: string) => samlKeys({ stateDir: join(directory, name), keyfile: '', certfile: '' });
    [theirs, ours] = [await make('theirs'), await make('ours')];
    const provider = { type: 'saml2', entity_id: entity, certificates: [theirs.certificate] };
    const bare = theirs.certificate.replaceAll(/-----[A-Z ]+-----|\s/g, '');
    const metadata = (wants: boolean) =>
      `<EntityDescriptor xmlns="${namespaces.metadata}" entityID="${entity}"><IDPSSODescriptor WantAuthnRequestsSigned="${wants}" ` +
      `protocolSupportEnumeration="${namespaces.protocol}"><KeyDescriptor><KeyInfo xmlns="${namespaces.signature}"><X509Data>` +
      `<X509Certificate>\n${bare}\n</X509Certificate></X509Data></KeyInfo></KeyDescriptor>` +
      '<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example/post"/>' +
      '<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/sso"/>' +
      '</IDPSSODescriptor></EntityDescriptor>';
    await writeFile(join(directory, 'metadata.xml'), metadata(true));
    cloud = await startIdentity({
      federation: {
        'keyed/saml2': {
          ...provider,
          sso_url: 'https://idp.example/sso?tenant=1',
          allow_unsolicited: true,
          sp_key_file: join(directory, 'ours/saml/key.pem'),
          sp_certificate_file: join(directory, 'ours/saml/certificate.pem'),
        },
        'wanting/saml2': { type: 'saml2', metadata: join(directory, 'metadata.xml') },
        'easy/saml2': { type: 'saml2', metadata: metadata(false) },
      },
    });
    acs = cloud.world.urls['identity'] + entryOf('keyed');
    for (const idp of ['keyed', 'wanting', 'easy']) {
      const remote_ids = [`${entity}/${idp}`];
      const rules = [{ local: [{ user: { name: '{0}' } }], remote: [{ type: 'MELLON_NAME_ID' }] }];
      for (const [path, body] of [
        [`identity_providers/${idp}`, { identity_provider: { enabled: true, remote_ids } }],
        [`mappings/${idp}`, { mapping: { rules } }],
        [`identity_providers/${idp}/protocols/saml2`, { protocol: { mapping_id: idp } }],
      ] as const) {
        const made = await cloud.request('PUT', `/v3/OS-FEDERATION/${path}`, { as: cloud.admin, body });
        assert.equal(made.status, 201, JSON.stringify(made.body));
      }
    }
  });
  after(async () => {
    await cloud[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  const file = async (name: string, content: string | Buffer): Promise<string> => {
    const path = join(directory, name);
    await writeFile(path, content);
    return path;
  };
  const begin = async (idp: string): Promise<string> => {
    const answered = await cloud.request('GET', entryOf(idp));
    assert.equal(answered.status, 302, JSON.stringify(answered.body));
    return answered.headers.get('location') as string;
  };
  const metadataOf = async (idp: string): Promise<string> => {
    const answered = await cloud.request('GET', `${entryOf(idp)}/metadata`);
    assert.equal(answered.status, 200);
    return answered.body as string;
  };
  const certificateIn = (metadata: string, use: string): string => {
    const found = new RegExp(`use="${use}".*?<ds:X509Certificate>([^<]+)<`).exec(metadata)?.[1] as string;
    const lines = found.replaceAll(/.{64}/g, '$&\n');
    return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
  };

  describe('signs requests', () => {
    /** As OpenSSL sees it, of the octets that are in the address. */
    async function verified(location: string, certificate: string): Promise<boolean> {
      const { search } = new URL(location);
      const [, octets, signature] = /(SAMLRequest=.*&SigAlg=[^&]+)&Signature=([^&]+)$/.exec(search) ?? [];
      assert.ok(octets && signature, location);
      assert.match(
        decodeURIComponent(octets),
        /SigAlg=http:\/\/www\.w3\.org\/2001\/04\/xmldsig-more#rsa-sha256$/,
      );
      const key = createPublicKey(certificate).export({ type: 'spki', format: 'pem' });
      const keyFile = await file('key.pub', key as string);
      const signatureFile = await file('signature', Buffer.from(decodeURIComponent(signature), 'base64'));
      const data = await file('octets', octets);
      return exec('openssl', ['dgst', '-sha256', '-verify', keyFile, '-signature', signatureFile, data]).then(
        () => true,
        () => false,
      );
    }

    it('in the address, where a browser carries them', async () => {
      const location = await begin('keyed');
      assert.ok(location.startsWith('https://idp.example/sso?tenant=1&SAMLRequest='), location);
      assert.equal(await verified(location, ours.certificate), true);
      const changed = location.replace(/RelayState=[^&]/, 'RelayState=!');
      assert.equal(await verified(changed, ours.certificate), false);
      const message = new URL(location).searchParams.get('SAMLRequest') as string;
      const request = inflateRawSync(Buffer.from(message, 'base64')).toString();
      assert.ok(!request.includes('Signature'), 'not inside of it as well');
    });

    it('inside, where a client carries them', xmlsec, async () => {
      const answered = await cloud.request('GET', entryOf('keyed'), {
        headers: { accept: 'application/vnd.paos+xml' },
      });
      const request = /<samlp:AuthnRequest.*<\/samlp:AuthnRequest>/.exec(answered.body as string)?.[0];
      assert.ok(request);
      const verify = async (xml: string) =>
        exec('xmlsec1', [
          '--verify',
          '--pubkey-cert-pem',
          join(directory, 'ours/saml/certificate.pem'),
          '--id-attr:ID',
          `${namespaces.protocol}:AuthnRequest`,
          await file('request.xml', xml),
        ]);
      await verify(request);
      await assert.rejects(verify(request.replace('AllowCreate="true"', 'AllowCreate="false"')));
    });

    it('by a key that was made, where the provider’s metadata wants it', async () => {
      const metadata = await metadataOf('wanting');
      assert.match(metadata, /AuthnRequestsSigned="true"/);
      const location = await begin('wanting');
      assert.ok(location.startsWith('https://idp.example/sso?SAMLRequest='), location);
      assert.equal(await verified(location, certificateIn(metadata, 'signing')), true);
    });

    it('not, where nobody asked for it', async () => {
      assert.match(await metadataOf('easy'), /AuthnRequestsSigned="false"/);
      const location = await begin('easy');
      assert.ok(!location.includes('Signature='), location);
    });
  });

  it('tells in its metadata how assertions are encrypted for it', async () => {
    const metadata = await metadataOf('keyed');
    assert.ok(metadata.includes(`entityID="${acs}"`), metadata);
    assert.equal(
      certificateIn(metadata, 'encryption').replaceAll(/\s/g, ''),
      ours.certificate.replaceAll(/\s/g, ''),
    );
    assert.ok(metadata.includes(`<md:EncryptionMethod Algorithm="${enc11}aes256-gcm"/>`));
    assert.equal((await cloud.request('GET', `${entryOf('nobody')}/metadata`)).status, 404);
  });

  describe('reads encrypted assertions', () => {
    const post = (response: string): Promise<Answered> =>
      cloud.request('POST', entryOf('keyed'), {
        body: new URLSearchParams({ SAMLResponse: Buffer.from(response).toString('base64') }).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      });
    const plain = (name = 'ann', id?: string) =>
      assertionXml({ recipient: acs, audience: acs, name, ...(id === undefined ? {} : { id }) });
    const good = (name = 'ann') => signed(plain(name), theirs);
    const issuer = () => `<saml:Issuer xmlns:saml="${namespaces.assertion}">${entity}</saml:Issuer>`;
    const assertIn = async (response: string, name = 'ann') => {
      const answered = await post(response);
      assert.equal(answered.status, 201, JSON.stringify(answered.body));
      assert.equal(answered.body.token.user.name, name);
    };
    const assertOut = async (response: string) => {
      const { status, body } = await post(response);
      assert.equal(status, 401, JSON.stringify(body));
      assert.equal(body.error.message, 'The SAML response is not accepted.');
    };
    async function byXmlsec(xml: string, cipher: string, session: string, transport = oaep): Promise<string> {
      const output = join(directory, 'sealed.xml');
      const template = await file('template.xml', sealedXml(cipher, transport));
      const data = await file('plain.xml', xml);
      const certificate = join(directory, 'ours/saml/certificate.pem');
      await exec('xmlsec1', [
        'encrypt',
        '--pubkey-cert-pem',
        certificate,
        '--session-key',
        session,
        '--xml-data',
        data,
        '--output',
        output,
        template,
      ]);
      const made = (await readFile(output, 'utf8')).replace(/<\?xml.*\?>\s*/, '');
      const ns = `xmlns:saml="${namespaces.assertion}"`;
      return `<saml:EncryptedAssertion ${ns}>${made}</saml:EncryptedAssertion>`;
    }

    for (const [cipher, session] of [
      [`${enc}aes128-cbc`, 'aes-128'],
      [`${enc}aes192-cbc`, 'aes-192'],
      [`${enc}aes256-cbc`, 'aes-256'],
      [`${enc11}aes128-gcm`, 'aes-128'],
      [`${enc11}aes192-gcm`, 'aes-192'],
      [`${enc11}aes256-gcm`, 'aes-256'],
    ] as const) {
      it(`of xmlsec1 by ${cipher.split('#')[1]}`, xmlsec, async () => {
        await assertIn(responseXml(await byXmlsec(good('Ann &amp; Bob'), cipher, session)), 'Ann & Bob');
      });
    }

    it('with keys that were transported by OAEP with SHA-256', async () => {
      const ds = namespaces.signature;
      const method =
        `<ds:DigestMethod xmlns:ds="${ds}" Algorithm="${enc}sha256"/>` +
        `<xenc11:MGF xmlns:xenc11="${enc11}" Algorithm="${enc11}mgf1sha256"/>`;
      await assertIn(
        responseXml(sealed(good(), ours, { transport: `${enc11}rsa-oaep`, hash: 'sha256', method })),
      );
    });

    it('of which the key stands beside the data', async () => {
      const xml = sealed(good(), ours);
      const key = /<xenc:EncryptedKey>.*<\/xenc:EncryptedKey>/.exec(xml)?.[0] as string;
      const beside = key.replace('<xenc:EncryptedKey>', `<xenc:EncryptedKey xmlns:xenc="${enc}">`);
      const moved = xml.replace(key, '').replace('</saml:Enc', `${beside}</saml:Enc`);
      await assertIn(responseXml(moved));
    });

    it('whose prefixes were declared around them', async () => {
      const declared = ` xmlns:saml="${namespaces.assertion}"`;
      const bare = good().replace(declared, '');
      assert.ok(!bare.includes(declared));
      await assertIn(responseXml(sealed(bare, ours)));
    });

    it('that are not signed themselves, in a response that is', async () => {
      await assertIn(signed(responseXml(issuer() + sealed(plain(), ours)), theirs));
    });

    it('each once', async () => {
      const response = responseXml(sealed(good(), ours, { cipher: 'cbc' }));
      await assertIn(response);
      assert.equal((await post(response)).status, 401);
    });

    it('not those that nobody has signed: everybody can encrypt', async () => {
      await assertOut(responseXml(sealed(plain('admin'), ours)));
      await assertOut(responseXml(sealed(signed(plain('admin'), ours), ours)));
    });

    it('not in place of the one that the response was signed with', async () => {
      const real = signed(responseXml(issuer() + sealed(plain(), ours)), theirs);
      const other = sealed(plain('admin'), ours);
      const swap = (by: string) => real.replace(/<saml:EncryptedAssertion.*<\/saml:EncryptedAssertion>/, by);
      await assertOut(swap(other));
      await assertOut(real.replace('<saml:EncryptedAssertion', `${other}<saml:EncryptedAssertion`));
      await assertOut(responseXml(`<samlp:Extensions>${real}</samlp:Extensions>${other}`));
      const signature = /<Signature[\s\S]*<\/Signature>/.exec(real)?.[0] as string;
      const bare = real.replace(signature, '');
      const holding = signature.replace('</Signature>', `<Object>${bare}</Object></Signature>`);
      await assertOut(responseXml(issuer() + holding + other));
      const id = /Response [^>]*ID="([^"]+)"/.exec(real)?.[1] as string;
      const same = responseXml(issuer() + holding + other).replace(/ ID="[^"]+"/, ` ID="${id}"`);
      await assertOut(same);
    });

    it('not wrapped in others, before they were encrypted or after', async () => {
      const evil = plain('admin', '_evil');
      const within = (outer: string, inner: string) =>
        outer.replace('</saml:Assertion>', `${inner}</saml:Assertion>`);
      for (const text of [
        good() + evil,
        evil + good(),
        within(evil, good()),
        `<x>${good()}</x>`,
        `${good()}</cumulet-response:Response><cumulet-response:Response>`,
        `</cumulet-response:Response><cumulet-response:Response>${evil}`,
        `<!DOCTYPE x [<!ENTITY a "b">]>${good()}`,
        'not xml',
        '',
        sealed(good(), ours),
      ]) {
        await assertOut(responseXml(sealed(text, ours)));
      }
      await assertOut(responseXml(sealed(good(), ours) + evil));
      await assertOut(responseXml(evil + sealed(good(), ours)));
      await assertOut(responseXml(sealed(good(), ours) + sealed(good(), ours)));
    });

    it('not by ciphers that are weak or unknown', xmlsec, async () => {
      const weak = await byXmlsec(good(), `${enc}tripledes-cbc`, 'des-192');
      await assertOut(responseXml(weak));
      await assertOut(responseXml(await byXmlsec(good(), `${enc}aes128-cbc`, 'aes-128', `${enc}rsa-1_5`)));
      const real = sealed(good(), ours);
      await assertOut(responseXml(real.replace('aes256-gcm', 'aes512-gcm')));
      await assertOut(responseXml(real.replace('aes256-gcm', 'aes128-gcm')));
      await assertOut(responseXml(real.replace('rsa-oaep-mgf1p', 'none')));
      await assertOut(
        responseXml(real.replace('"http://www.w3.org/2009/xmlenc11#aes256-gcm"', '"toString"')),
      );
    });

    it('not for others, changed or cut, and says no more of one than of another', async () => {
      await assertOut(responseXml(sealed(good(), theirs)));
      for (const cipher of ['cbc', 'gcm']) {
        const xml = sealed(good(), ours, { cipher });
        const at = xml.lastIndexOf('<xenc:CipherValue>') + '<xenc:CipherValue>'.length;
        const content = Buffer.from(xml.slice(at, xml.indexOf('<', at)), 'base64');
        const put = (bytes: Buffer) =>
          responseXml(xml.slice(0, at) + bytes.toString('base64') + xml.slice(xml.indexOf('<', at)));
        for (const place of [0, 20, content.length - 17, content.length - 1]) {
          const changed = Buffer.from(content);
          changed[place] = (changed[place] ?? 0) ^ 0x55;
          await assertOut(put(changed));
        }
        for (const length of [0, 8, 16, 32, content.length - 16])
          await assertOut(put(content.subarray(0, length)));
      }
    });
  });
});

describe('a connection by SAML', () => {
  const wrong: [string, object, RegExp][] = [
    ['without a provider', { certificates: ['x'] }, /entity_id or metadata/],
    ['without certificates', { entity_id: 'https://idp' }, /no certificates/],
    ['with metadata of none', { metadata: '<a/>' }, /no provider in the metadata/],
    ['with half a key', { entity_id: 'https://idp', certificates: ['x'], sp_key_file: '/a' }, /together/],
  ];
  for (const [title, options, message] of wrong) {
    it(`${title} is refused at the start, by its name`, async () => {
      const settings = { federation: { 'acme/saml2': { type: 'saml2', ...options } } };
      await assert.rejects(
        startIdentity(settings).then((cloud) => cloud[Symbol.asyncDispose]()),
        (error: Error) => error.message.includes('acme/saml2') && message.test(error.message),
      );
    });
  }
});
