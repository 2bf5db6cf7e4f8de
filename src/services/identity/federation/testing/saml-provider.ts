import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignedXml } from 'xml-crypto';
import type { SamlKeys } from '../saml/keys.ts';
import { namespaces } from '../saml/xml.ts';

/** The name of the tests' provider. */
export const testEntity = 'https://idp.example/metadata';

/** What a test's provider says; each part may be said wrongly. */
export interface Said {
  issuer?: string;
  recipient: string;
  audience?: string | null;
  inResponseTo?: string;
  id?: string;
  notOnOrAfter?: Date;
  notBefore?: Date;
  confirmedUntil?: Date;
  name?: string;
  groups?: string[];
  method?: string;
}

export const inMinutes = (minutes: number): Date => new Date(Date.now() + minutes * 60_000);
let serial = 0;

export function assertionXml(said: Said): string {
  const saml = namespaces.assertion;
  const until = (said.notOnOrAfter ?? inMinutes(5)).toISOString();
  const restriction =
    said.audience === null || said.audience === undefined
      ? ''
      : `<saml:AudienceRestriction><saml:Audience>${said.audience}</saml:Audience></saml:AudienceRestriction>`;
  const values = (said.groups ?? [])
    .map((each) => `<saml:AttributeValue>${each}</saml:AttributeValue>`)
    .join('');
  return (
    `<saml:Assertion xmlns:saml="${saml}" ID="${said.id ?? `_a${++serial}`}" Version="2.0" IssueInstant="${new Date().toISOString()}">` +
    `<saml:Issuer>${said.issuer ?? testEntity}</saml:Issuer><saml:Subject><saml:NameID>${said.name ?? 'ann'}</saml:NameID>` +
    `<saml:SubjectConfirmation Method="${said.method ?? 'urn:oasis:names:tc:SAML:2.0:cm:bearer'}"><saml:SubjectConfirmationData ` +
    `Recipient="${said.recipient}" NotOnOrAfter="${(said.confirmedUntil ?? inMinutes(5)).toISOString()}"` +
    `${said.inResponseTo ? ` InResponseTo="${said.inResponseTo}"` : ''}/></saml:SubjectConfirmation></saml:Subject>` +
    `<saml:Conditions NotBefore="${(said.notBefore ?? inMinutes(-5)).toISOString()}" NotOnOrAfter="${until}">${restriction}</saml:Conditions>` +
    `<saml:AuthnStatement AuthnInstant="${new Date().toISOString()}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>` +
    `<saml:AttributeStatement><saml:Attribute Name="groups">${values}</saml:Attribute></saml:AttributeStatement></saml:Assertion>`
  );
}

export function signed(xml: string, keys: SamlKeys): string {
  const canonical = 'http://www.w3.org/2001/10/xml-exc-c14n#';
  const signer = new SignedXml({
    privateKey: keys.key,
    signatureAlgorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    canonicalizationAlgorithm: canonical,
  });
  signer.addReference({
    xpath: '/*',
    digestAlgorithm: 'http://www.w3.org/2001/04/xmlenc#sha256',
    transforms: ['http://www.w3.org/2000/09/xmldsig#enveloped-signature', canonical],
  });
  signer.computeSignature(xml, { location: { reference: "/*/*[local-name(.)='Issuer']", action: 'after' } });
  return signer.getSignedXml();
}

export const responseXml = (inside: string): string =>
  `<samlp:Response xmlns:samlp="${namespaces.protocol}" ID="_r${++serial}" Version="2.0" IssueInstant="${new Date().toISOString()}">` +
  '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>' +
  `${inside}</samlp:Response>`;

/** A provider for clients that carry messages (ECP): it knows ann, by her password. */
export async function startEcpProvider(keys: SamlKeys): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.headers.authorization !== `Basic ${Buffer.from('ann:secret').toString('base64')}`) {
        return void response.writeHead(401).end();
      }
      const asked = Buffer.concat(chunks).toString();
      const part = (pattern: RegExp) => pattern.exec(asked)?.[1] ?? '';
      const recipient = part(/AssertionConsumerServiceURL="([^"]+)"/);
      const said = {
        recipient,
        audience: part(/<saml:Issuer>([^<]+)</),
        inResponseTo: part(/<samlp:AuthnRequest[^>]* ID="([^"]+)"/),
      };
      response
        .writeHead(200, { 'content-type': 'text/xml' })
        .end(
          `<S:Envelope xmlns:S="${namespaces.soap}"><S:Header>` +
            `<ecp:Response xmlns:ecp="${namespaces.ecp}" S:mustUnderstand="1" AssertionConsumerServiceURL="${recipient}"/>` +
            `</S:Header><S:Body>${responseXml(signed(assertionXml(said), keys))}</S:Body></S:Envelope>`,
        );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
