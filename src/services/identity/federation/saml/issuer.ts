import { randomBytes } from 'node:crypto';
import type { SamlKeys } from './keys.ts';
import { enveloped } from './signing.ts';
import { escaped, namespaces } from './xml.ts';

/** Whom this cloud vouches for, and to whom. */
export interface Vouched {
  issuer: string;
  /** The other cloud's address for assertions. */
  recipient: string;
  user: string;
  userDomain: string;
  project: string;
  projectDomain: string;
  roles: readonly string[];
  /** As upstream writes them: `JSON:{"name": …, "domain": {"name": …}}`. */
  groups: readonly string[];
  /** Seconds. */
  lifetime: number;
}

const newId = (): string => `_${randomBytes(20).toString('hex')}`;

/**
 * A SAML response with a signed assertion, as keystone's identity provider makes it (keystone/federation/idp.py), but
 * signed with RSA and SHA-256. It names no audience: what a cloud calls itself is not known, only its address.
 */
export function samlResponse(of: Vouched, keys: SamlKeys): string {
  const now = new Date();
  const issuedAt = now.toISOString();
  const end = new Date(now.getTime() + of.lifetime * 1000).toISOString();
  const id = newId();
  const issuer = `<saml:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity">${escaped(of.issuer)}</saml:Issuer>`;
  const attributes = [
    attribute('openstack_user', [of.user]),
    attribute('openstack_roles', of.roles),
    attribute('openstack_project', [of.project]),
    attribute('openstack_project_domain', [of.projectDomain]),
    attribute('openstack_user_domain', [of.userDomain]),
    ...(of.groups.length > 0 ? [attribute('openstack_groups', of.groups)] : []),
  ];
  const assertion =
    `<saml:Assertion xmlns:saml="${namespaces.assertion}" ID="${id}" IssueInstant="${issuedAt}" Version="2.0">${issuer}` +
    `<saml:Subject><saml:NameID>${escaped(of.user)}</saml:NameID>` +
    '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">' +
    `<saml:SubjectConfirmationData NotOnOrAfter="${end}" Recipient="${escaped(of.recipient)}"/>` +
    '</saml:SubjectConfirmation></saml:Subject>' +
    `<saml:AuthnStatement AuthnInstant="${issuedAt}" SessionIndex="${newId()}" SessionNotOnOrAfter="${end}"><saml:AuthnContext>` +
    '<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef>' +
    `<saml:AuthenticatingAuthority>${escaped(of.issuer)}</saml:AuthenticatingAuthority>` +
    `</saml:AuthnContext></saml:AuthnStatement>` +
    `<saml:AttributeStatement>${attributes.join('')}</saml:AttributeStatement></saml:Assertion>`;
  const response =
    `<samlp:Response xmlns:samlp="${namespaces.protocol}" Destination="${escaped(of.recipient)}" ID="${newId()}"` +
    ` IssueInstant="${issuedAt}" Version="2.0"><saml:Issuer xmlns:saml="${namespaces.assertion}">${escaped(of.issuer)}</saml:Issuer>` +
    '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>';
  return `${response}${enveloped(assertion, keys)}</samlp:Response>`;
}

function attribute(name: string, values: readonly string[]): string {
  const each = values.map((value) => `<saml:AttributeValue>${escaped(value)}</saml:AttributeValue>`);
  return `<saml:Attribute Name="${name}">${each.join('')}</saml:Attribute>`;
}

/** The response in a SOAP envelope for a client that carries it to the other cloud (SAML's ECP profile). */
export function ecpEnvelope(response: string, relayState: string): string {
  const { soap, ecp } = namespaces;
  return (
    `<soap:Envelope xmlns:soap="${soap}"><soap:Header>` +
    `<ecp:RelayState xmlns:ecp="${ecp}" soap:actor="http://schemas.xmlsoap.org/soap/actor/next" soap:mustUnderstand="1">${escaped(relayState)}</ecp:RelayState>` +
    `</soap:Header><soap:Body>${response}</soap:Body></soap:Envelope>`
  );
}

/** What another cloud must know of this one to believe its assertions. */
export function idpMetadata(of: { entityId: string; endpoint: string; certificate: string }): string {
  const certificate = of.certificate.replaceAll(/-----[A-Z ]+-----|\s/g, '');
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<md:EntityDescriptor xmlns:md="${namespaces.metadata}" entityID="${escaped(of.entityId)}">` +
    `<md:IDPSSODescriptor protocolSupportEnumeration="${namespaces.protocol}">` +
    `<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="${namespaces.signature}"><ds:X509Data>` +
    `<ds:X509Certificate>${certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>` +
    '<md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:transient</md:NameIDFormat>' +
    `<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:URI" Location="${escaped(of.endpoint)}"/>` +
    '</md:IDPSSODescriptor></md:EntityDescriptor>\n'
  );
}
